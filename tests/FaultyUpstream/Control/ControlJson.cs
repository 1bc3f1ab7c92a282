using System.Text.Json;
using System.Text.Json.Serialization;
using FaultyUpstream.Faults;

namespace FaultyUpstream.Control;

/// <summary>How the control endpoint spells JSON: snake_case, unknown members refused.</summary>
public static class ControlJson
{
    /// <summary>The options.</summary>
    public static JsonSerializerOptions Options { get; } = new(JsonSerializerDefaults.Web)
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        PropertyNameCaseInsensitive = false,
        NumberHandling = JsonNumberHandling.Strict,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false) },
    };

    /// <summary>Says what is wrong with a command, and for a choice what there is to choose from.</summary>
    public static string Explain(JsonException error)
    {
        ArgumentNullException.ThrowIfNull(error);
        return error.Path switch
        {
            { } path when path.EndsWith(".kind", StringComparison.Ordinal) || path.EndsWith(".answer", StringComparison.Ordinal) => $"{path} is not a fault: give one of {Choices<FaultKind>()}.",
            { } path when path.EndsWith(".era", StringComparison.Ordinal) => $"{path} is not an era: give one of {Choices<UpstreamEra>()}.",
            { } path when path.EndsWith(".answer_form", StringComparison.Ordinal) => $"{path} is not a form: give one of {Choices<AnswerForm>()}.",
            _ => error.Message,
        };
    }

    private static string Choices<T>()
        where T : struct, Enum =>
        string.Join(", ", Enum.GetValues<T>().Select(value => JsonSerializer.Serialize(value, Options).Trim('"')));
}
