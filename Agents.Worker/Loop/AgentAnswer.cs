using System.Text.Json;
using Agents.Runs;

namespace Agents.Worker.Loop;

/// <summary>A model's answer taken apart: the text for people, the field for the program.</summary>
/// <param name="Content">The answer without its result block.</param>
/// <param name="Field">The value of the agent's output field; null without a valid one.</param>
/// <param name="Confidence">0 to 1 as the model gave it; null without.</param>
/// <param name="Problem">What is wrong with the result block; null when it fits or none is wanted.</param>
internal sealed record AgentAnswer(string Content, JsonElement? Field, double? Confidence, string? Problem)
{
    public static AgentAnswer Read(string answer, AgentOutput? output)
    {
        var (content, json) = ResultBlock.Split(answer);
        if (output is null) return new AgentAnswer(content, null, null, null);
        if (json is null) return new AgentAnswer(content, null, null, $"the {ResultBlock.Fence} block is missing");
        try
        {
            using var document = JsonDocument.Parse(json);
            return Read(content, document.RootElement.Clone(), output);
        }
        catch (JsonException error)
        {
            return new AgentAnswer(content, null, null, $"the {ResultBlock.Fence} block is not JSON: {error.Message}");
        }
    }

    public AgentResult ToResult(AgentDefinition agent, IReadOnlyDictionary<string, JsonElement> metadata, IReadOnlyList<string> sources)
    {
        var result = new AgentResult { AgentType = agent.Name, Content = Content, Confidence = Confidence, Metadata = metadata, Sources = sources };
        return Field is { } value ? AgentOutputs.Set(result, agent.Output!.Field, value) : result;
    }

    private static AgentAnswer Read(string content, JsonElement block, AgentOutput output)
    {
        if (block.ValueKind != JsonValueKind.Object || !block.TryGetProperty(output.Field, out var value))
            return new AgentAnswer(content, null, null, $"the {ResultBlock.Fence} block has no '{output.Field}'");
        if (AgentOutputs.Check(output, value) is { } problem) return new AgentAnswer(content, null, null, problem);
        double? confidence = block.TryGetProperty("confidence", out var number) && number.ValueKind == JsonValueKind.Number
            && number.TryGetDouble(out var given) && given is >= 0 and <= 1 ? given : null;
        return new AgentAnswer(content, value, confidence, null);
    }
}
