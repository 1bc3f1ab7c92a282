using System.Text.Json;

namespace Agents.Runs;

/// <summary>The fields of <see cref="AgentResult"/> an agent may fill beside its text.</summary>
public static class AgentOutputs
{
    /// <summary>The name of <see cref="AgentResult.SuggestionsTable"/>.</summary>
    public const string SuggestionsTable = "suggestions_table";

    /// <summary>The name of <see cref="AgentResult.TestFilesCreated"/>.</summary>
    public const string TestFilesCreated = "test_files_created";

    /// <summary>The name of <see cref="AgentResult.NextActions"/>.</summary>
    public const string NextActions = "next_actions";

    /// <summary>The name of <see cref="AgentResult.CondensedSummary"/>.</summary>
    public const string CondensedSummary = "condensed_summary";

    /// <summary>The fields and their shapes.</summary>
    public static IReadOnlyDictionary<string, OutputType> Types { get; } = new Dictionary<string, OutputType>
    {
        [SuggestionsTable] = OutputType.Text,
        [TestFilesCreated] = OutputType.List,
        [NextActions] = OutputType.List,
        [CondensedSummary] = OutputType.Text,
    };

    /// <summary>What is wrong with a value for the field; null when it fits.</summary>
    public static string? Check(AgentOutput output, JsonElement value)
    {
        ArgumentNullException.ThrowIfNull(output);
        return output.Type switch
        {
            OutputType.Text when value.ValueKind == JsonValueKind.String && !string.IsNullOrWhiteSpace(value.GetString()) => null,
            OutputType.Text => $"'{output.Field}' must be a text that is not empty",
            _ when value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String) => null,
            _ => $"'{output.Field}' must be a list of texts",
        };
    }

    /// <summary>The result with the field set to a value that passed <see cref="Check"/>.</summary>
    public static AgentResult Set(AgentResult result, string field, JsonElement value)
    {
        ArgumentNullException.ThrowIfNull(result);
        return field switch
        {
            SuggestionsTable => result with { SuggestionsTable = value.GetString() },
            TestFilesCreated => result with { TestFilesCreated = Items(value) },
            NextActions => result with { NextActions = Items(value) },
            CondensedSummary => result with { CondensedSummary = value.GetString() },
            _ => result,
        };
    }

    private static List<string> Items(JsonElement value) => [.. value.EnumerateArray().Select(item => item.GetString()!)];
}
