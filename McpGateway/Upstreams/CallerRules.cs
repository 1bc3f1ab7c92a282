using System.Collections.Immutable;
using System.Text.Json.Nodes;
using McpGateway.Calls.Lists;

namespace McpGateway.Upstreams;

/// <summary>
/// <c>Gateway:Callers:{principal}:{upstream}:allow|deny</c>: what each caller may see and call of each upstream, beside what the upstream's own
/// <c>allow</c> and <c>deny</c> say for all. <c>*</c> stands for every principal, or upstream, without an entry of its own. Principals and
/// upstreams are compared without letter case, which .NET configuration does not keep apart; patterns with it, as names on the wire are.
/// </summary>
internal sealed class CallerRules
{
    public const string Section = "Gateway:Callers";

    private const string Any = "*";

    private readonly ImmutableDictionary<string, ImmutableDictionary<string, AccessRule>> _callers;

    private CallerRules(ImmutableDictionary<string, ImmutableDictionary<string, AccessRule>> callers, ImmutableArray<string> errors) => (_callers, Errors) = (callers, errors);

    public static CallerRules None { get; } = new(ImmutableDictionary<string, ImmutableDictionary<string, AccessRule>>.Empty, []);

    public ImmutableArray<string> Errors { get; }

    public static CallerRules Read(IConfiguration configuration)
    {
        var errors = new List<string>();
        var callers = ImmutableDictionary.CreateBuilder<string, ImmutableDictionary<string, AccessRule>>(StringComparer.OrdinalIgnoreCase);
        foreach (var caller in configuration.GetSection(Section).GetChildren())
        {
            var rules = ImmutableDictionary.CreateBuilder<string, AccessRule>(StringComparer.OrdinalIgnoreCase);
            foreach (var upstream in caller.GetChildren()) rules[upstream.Key] = ReadRule(upstream, errors);
            if (rules.Count == 0) errors.Add($"{Section}:{caller.Key} names no upstream. Write {Section}:{caller.Key}:<upstream or *>:allow or :deny, or remove it.");
            callers[caller.Key] = rules.ToImmutable();
        }

        return new CallerRules(callers.ToImmutable(), [.. errors]);
    }

    /// <summary>What this caller may see and call of an upstream.</summary>
    public Access Of(Upstream upstream, string principal) => new(upstream.Config.Access, Find(principal, upstream.Name));

    /// <summary>What is wrong when these are the upstreams, also those switched off: a rule for one that there is not guards nothing.</summary>
    public IEnumerable<string> Check(ICollection<string> upstreams) =>
        from caller in _callers
        from upstream in caller.Value.Keys
        where upstream != Any && !upstreams.Contains(upstream, StringComparer.OrdinalIgnoreCase)
        select $"{Section}:{caller.Key}:{upstream}: there is no upstream '{upstream}'; there {(upstreams.Count == 0 ? "is none at all" : $"are {string.Join(", ", upstreams.Order(StringComparer.Ordinal))}")}. Correct the name, use *, or remove it.";

    private AccessRule Find(string principal, string upstream)
    {
        if (!_callers.TryGetValue(principal, out var rules) && !_callers.TryGetValue(Any, out rules)) return AccessRule.Open;
        return rules.TryGetValue(upstream, out var rule) || rules.TryGetValue(Any, out rule) ? rule : AccessRule.Open;
    }

    private static AccessRule ReadRule(IConfigurationSection section, List<string> errors)
    {
        var where = section.Path;
        if (UpstreamSource.ToNode(section) is not JsonObject entry)
        {
            errors.Add($"{where} must hold allow or deny.");
            return AccessRule.Open;
        }

        foreach (var (member, _) in entry.Where(static member => !member.Key.Equals("allow", StringComparison.OrdinalIgnoreCase) && !member.Key.Equals("deny", StringComparison.OrdinalIgnoreCase)))
            errors.Add($"{where}:{member} is not known; known are allow and deny.");
        return AccessReader.Read(entry, where, errors);
    }
}

/// <summary>What one caller may see and call of one upstream: what the upstream's rule and the caller's both allow.</summary>
internal readonly record struct Access(AccessRule Upstream, AccessRule Caller)
{
    public bool Allows(ListKind kind, string name) => Upstream.Allows(kind, name) && Caller.Allows(kind, name);

    /// <summary>True when something of the kind may be refused.</summary>
    public bool Concerns(ListKind kind) => Upstream.Concerns(kind) || Caller.Concerns(kind);

    /// <summary>True when nothing at all may be seen: the caller is not told that there is such an upstream.</summary>
    public bool IsClosed => Upstream.IsClosed || Caller.IsClosed;
}
