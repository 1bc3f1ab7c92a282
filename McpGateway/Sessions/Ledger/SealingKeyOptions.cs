using System.Collections.Immutable;
using System.Text.RegularExpressions;

namespace McpGateway.Sessions.Ledger;

/// <summary>
/// Reads <c>Gateway:Keys</c>: <c>id:base64</c>, several parted by commas or as a list (<c>Gateway:Keys:0</c> …), the first of
/// which seals. Errors name the entry, never its value.
/// </summary>
internal sealed partial class SealingKeyOptions
{
    public const string Section = "Gateway:Keys";

    private const string Remedy = "Write id:base64 with 32 bytes, such as from: openssl rand -base64 32.";

    private SealingKeyOptions(ImmutableArray<SealingKey> keys, ImmutableArray<string> errors) => (Keys, Errors) = (keys, errors);

    /// <summary>In the order written; empty when none are configured.</summary>
    public ImmutableArray<SealingKey> Keys { get; }

    public ImmutableArray<string> Errors { get; }

    public static SealingKeyOptions Read(IConfiguration configuration)
    {
        var section = configuration.GetSection(Section);
        var written = section.Value is { Length: > 0 } one ? [one] : section.GetChildren().Select(child => child.Value ?? "").ToArray();
        var entries = written.SelectMany(text => text.Split(',', StringSplitOptions.TrimEntries)).ToArray();
        var keys = ImmutableArray.CreateBuilder<SealingKey>();
        var errors = ImmutableArray.CreateBuilder<string>();
        for (var i = 0; i < entries.Length; i++)
        {
            if (Read(entries[i]) is not { } key) errors.Add($"{Section}: entry {i + 1} is no key. {Remedy}");
            else if (keys.Any(other => other.Id == key.Id)) errors.Add($"{Section}: entry {i + 1} has the id '{key.Id}' of an earlier one. Give each key an id of its own.");
            else keys.Add(key);
        }

        return new SealingKeyOptions(keys.ToImmutable(), errors.ToImmutable());
    }

    private static SealingKey? Read(string entry)
    {
        var match = Entry().Match(entry);
        if (!match.Success) return null;
        var bytes = new byte[SealingKey.Size];
        return Convert.TryFromBase64String(match.Groups[2].Value, bytes, out var length) && length == SealingKey.Size
            ? new SealingKey(match.Groups[1].Value, [.. bytes])
            : null;
    }

    [GeneratedRegex("^([A-Za-z0-9_-]{1,32}):([A-Za-z0-9+/]+=*)$")]
    private static partial Regex Entry();
}
