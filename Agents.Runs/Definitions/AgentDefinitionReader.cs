using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Agents.Runs;

/// <summary>Reads one definition. A key nobody knows is refused: a misspelt limit must not silently be none.</summary>
public sealed partial class AgentDefinitionReader
{
    private const int DigestDigits = 12;

    private static readonly string[] Known =
    [
        "name", "description", "tools", "budget", "budget.max_tool_calls", "budget.max_depth", "budget.time_budget_s",
        "budget.max_input_tokens", "budget.max_output_tokens", "output", "output.field", "output.description",
    ];

    private readonly string _file;
    private readonly FrontMatter _front;
    private readonly string _version;

    private AgentDefinitionReader(string file, FrontMatter front, string version) => (_file, _front, _version) = (file, front, version);

    /// <summary>Reads a definition: front matter between two lines <c>---</c>, then the prompt.</summary>
    /// <param name="file">Named in every error.</param>
    /// <param name="text">The whole definition.</param>
    /// <param name="version">The definition's version; null takes a digest of the text.</param>
    /// <exception cref="AgentDefinitionException">With the file and the line.</exception>
    public static AgentDefinition Read(string file, string text, string? version = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        return new AgentDefinitionReader(file, FrontMatter.Parse(file, text), version ?? DigestOf(text)).Read();
    }

    private static string DigestOf(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ReplaceLineEndings("\n"))))[..DigestDigits];

    private AgentDefinition Read()
    {
        foreach (var (key, entry) in _front.Entries)
            if (!Known.Contains(key)) throw Error(entry.Line, $"'{key}' is unknown: use {string.Join(", ", Known.Where(k => !k.Contains('.')))}.");
        var name = Required("name");
        if (!NamePattern().IsMatch(name.Text)) throw Error(name.Line, $"name is '{name.Text}': use lower-case letters, digits and '_'.");
        if (_front.Body.Length == 0) throw Error(1, "the prompt is missing: write it below the front matter.");
        return new AgentDefinition
        {
            Name = name.Text,
            Description = Required("description").Text,
            Tools = Tools(),
            Budget = Budget(),
            Output = Output(),
            Prompt = _front.Body,
            Version = _version,
        };
    }

    private IReadOnlyList<string> Tools()
    {
        var entry = Required("tools");
        return entry.Items ?? throw Error(entry.Line, $"tools is '{entry.Raw}': use a list such as [\"repository__*\"], or [] for none.");
    }

    private AgentBudget Budget() => new()
    {
        MaxToolCalls = Limit("max_tool_calls", 50),
        MaxDepth = Limit("max_depth", 10),
        TimeBudgetS = Limit("time_budget_s", 600),
        MaxInputTokens = Limit("max_input_tokens", 10_000_000),
        MaxOutputTokens = Limit("max_output_tokens", 1_000_000),
    };

    private AgentOutput? Output()
    {
        if (!_front.Entries.ContainsKey("output")) return null;
        var field = Required("output.field");
        if (!AgentOutputs.Types.TryGetValue(field.Text, out var type))
            throw Error(field.Line, $"output.field is '{field.Text}': use {string.Join(", ", AgentOutputs.Types.Keys)}.");
        return new AgentOutput(field.Text, type, Required("output.description").Text);
    }

    private int? Limit(string key, int max)
    {
        if (!_front.Entries.TryGetValue($"budget.{key}", out var entry)) return null;
        return int.TryParse(entry.Raw, NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value >= 1 && value <= max
            ? value
            : throw Error(entry.Line, $"budget.{key} is '{entry.Raw}': use 1 to {max}.");
    }

    private FrontMatter.Entry Required(string key) =>
        _front.Entries.TryGetValue(key, out var entry) && entry.Text.Length > 0
            ? entry
            : throw Error(entry?.Line ?? 1, $"'{key}' is missing.");

    private AgentDefinitionException Error(int line, string message) => new(_file, line, message);

    [GeneratedRegex("^[a-z][a-z0-9_]{0,63}$")]
    private static partial Regex NamePattern();
}
