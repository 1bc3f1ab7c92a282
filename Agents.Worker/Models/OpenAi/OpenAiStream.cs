using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Agents.Worker.Models.OpenAi;

/// <summary>Reads the events of one streamed answer: text as it comes, tool calls and usage at the end.</summary>
internal sealed class OpenAiStream
{
    private readonly StreamedCalls _calls = new();
    private ChatFinishReason? _finish;
    private UsageDetails? _usage;
    private string? _responseId;
    private string? _model;

    public async IAsyncEnumerable<ChatResponseUpdate> ReadAsync(Stream stream, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var done = false;
        await foreach (var item in SseParser.Create(stream).EnumerateAsync(cancellationToken).ConfigureAwait(false))
        {
            if (item.Data.Length == 0) continue;
            if (done = item.Data.AsSpan().Trim() is "[DONE]") break;
            // A piece of a tool call shows nothing yet, but it is no silence either.
            yield return Read(item.Data) is { Length: > 0 } text ? Update(new TextContent(text)) : Update();
        }

        // Some servers leave out [DONE]; a finish reason is as good an end. Neither: the connection was cut.
        if (!done && _finish is null) throw Broken("ended before the answer was complete");
        yield return End();
    }

    /// <summary>The same from a server that ignored <c>stream</c> and sent one JSON document.</summary>
    public IEnumerable<ChatResponseUpdate> ReadWhole(string body)
    {
        if (Read(body) is { Length: > 0 } text) yield return Update(new TextContent(text));
        if (_finish is null && !_calls.Any) throw Broken("carried no answer");
        yield return End();
    }

    private string? Read(string data)
    {
        JsonElement chunk;
        try
        {
            using var document = JsonDocument.Parse(data);
            chunk = document.RootElement.Clone();
        }
        catch (JsonException error)
        {
            throw Broken("carried malformed JSON", error);
        }

        if (chunk.ValueKind != JsonValueKind.Object) throw Broken("carried JSON that is no object");
        if (chunk.TryGetProperty("error", out var failure) && failure.ValueKind is not JsonValueKind.Null)
            throw new ModelException(ModelFailure.Unavailable, $"The model server reported an error in its stream: {ModelRefusal.Describe(data)}");
        _responseId ??= Text(chunk, "id");
        _model ??= Text(chunk, "model");
        if (chunk.TryGetProperty("usage", out var usage) && usage.ValueKind == JsonValueKind.Object) _usage = Usage(usage);
        return chunk.TryGetProperty("choices", out var choices) && choices.ValueKind == JsonValueKind.Array && choices.GetArrayLength() > 0
            ? ReadChoice(choices[0])
            : null;
    }

    private string? ReadChoice(JsonElement choice)
    {
        if (Text(choice, "finish_reason") is { } reason) _finish = Finish(reason);
        if (!choice.TryGetProperty("delta", out var delta) && !choice.TryGetProperty("message", out delta)) return null;
        if (delta.ValueKind != JsonValueKind.Object) return null;
        if (delta.TryGetProperty("tool_calls", out var calls) && calls.ValueKind == JsonValueKind.Array)
            foreach (var piece in calls.EnumerateArray()) _calls.Add(piece);
        return Text(delta, "content") ?? Text(delta, "refusal");
    }

    private ChatResponseUpdate End()
    {
        var end = Update([.. _calls.Complete()]);
        if (_usage is not null) end.Contents.Add(new UsageContent(_usage));
        // A turn with calls is a turn of calls, whatever the server named it (Ollama says "stop").
        end.FinishReason = _calls.Any ? ChatFinishReason.ToolCalls : _finish ?? ChatFinishReason.Stop;
        return end;
    }

    private ChatResponseUpdate Update(params AIContent[] contents) =>
        new(ChatRole.Assistant, [.. contents]) { ResponseId = _responseId, ModelId = _model };

    private static ChatFinishReason Finish(string reason) => reason switch
    {
        "stop" => ChatFinishReason.Stop,
        "tool_calls" or "function_call" => ChatFinishReason.ToolCalls,
        _ => new ChatFinishReason(reason),
    };

    private static UsageDetails Usage(JsonElement usage)
    {
        var details = new UsageDetails
        {
            InputTokenCount = Number(usage, "prompt_tokens"),
            OutputTokenCount = Number(usage, "completion_tokens"),
            TotalTokenCount = Number(usage, "total_tokens"),
        };
        if (usage.TryGetProperty("prompt_tokens_details", out var input)) details.CachedInputTokenCount = Number(input, "cached_tokens");
        if (usage.TryGetProperty("completion_tokens_details", out var output)) details.ReasoningTokenCount = Number(output, "reasoning_tokens");
        return details;
    }

    private static long? Number(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value)
        && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) ? number : null;

    private static string? Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static ModelException Broken(string how, Exception? inner = null) =>
        new(ModelFailure.BrokenStream, $"The model server's answer {how}.", inner);
}
