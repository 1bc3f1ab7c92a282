using System.Text.Json;
using McpGateway.Protocol;
using McpGateway.Sessions;

namespace McpGateway.Calls.Inputs;

/// <summary>The <c>input_required</c> result of revision 2026-07-28 (SEP-2322): written for modern clients, read from modern upstreams.</summary>
internal static class InputRequired
{
    /// <summary>True for a request that a modern server may answer so.</summary>
    public static bool IsAllowed(McpMethod method) => method is McpMethod.ToolsCall or McpMethod.PromptsGet or McpMethod.ResourcesRead;

    /// <summary>True for a result that asks instead of answering.</summary>
    public static bool Is(UpstreamMessage message) => !message.Shape.ResultType.IsEmpty && JsonText.Read(message.Shape.ResultType.Of(message.Bytes.Span)) == "input_required";

    /// <summary>Writes the questions of an upstream of the legacy kind as members of <c>inputRequests</c>.</summary>
    public static void WriteRequests(MessageBuffer output, IEnumerable<KeyValuePair<string, ServerQuestion>> questions)
    {
        foreach (var (key, question) in questions)
        {
            if (output.Length > 0) output.Write(","u8);
            output.Write(JsonText.Write(key));
            output.Write(":{\"method\":"u8);
            output.Write(question.Method);
            output.Write(",\"params\":"u8);
            output.Write(question.Parameters);
            output.Write("}"u8);
        }
    }

    /// <summary>Writes the result around such members.</summary>
    public static void Write(MessageBuffer output, ReadOnlySpan<byte> id, ReadOnlySpan<byte> requests, string state)
    {
        Begin(output, id);
        output.Write(requests);
        End(output, state);
    }

    /// <summary>Writes the result that sends a modern client's user to the addresses of error -32042.</summary>
    /// <returns>False when the error names none.</returns>
    public static bool TryWriteUrls(MessageBuffer output, ReadOnlySpan<byte> id, ReadOnlyMemory<byte> error, string state)
    {
        using var document = JsonDocument.Parse(error, new JsonDocumentOptions { MaxDepth = 128 });
        if (!document.RootElement.TryGetProperty("data"u8, out var data) || data.ValueKind != JsonValueKind.Object) return false;
        if (!data.TryGetProperty("elicitations"u8, out var elicitations) || elicitations.ValueKind != JsonValueKind.Array || elicitations.GetArrayLength() == 0) return false;
        Begin(output, id);
        var number = 0;
        foreach (var elicitation in elicitations.EnumerateArray())
        {
            if (number > 0) output.Write(","u8);
            output.Write(JsonText.Write(OpenQuestions.Key(number++)));
            output.Write(":{\"method\":\"elicitation/create\",\"params\":"u8);
            WriteElicitation(output, elicitation);
            output.Write("}"u8);
        }

        End(output, state);
        return true;
    }

    /// <summary>The <c>requestState</c> of such a result, with its quotes; empty where there is none.</summary>
    public static byte[] ReadState(UpstreamMessage message)
    {
        using var result = JsonDocument.Parse(message.Shape.Result.Of(message.Bytes), new JsonDocumentOptions { MaxDepth = 128 });
        return result.RootElement.TryGetProperty("requestState"u8, out var state) && state.ValueKind == JsonValueKind.String ? System.Text.Encoding.UTF8.GetBytes(state.GetRawText()) : [];
    }

    /// <summary>Writes a modern upstream's own result with another state.</summary>
    public static void WriteWithState(MessageBuffer output, ReadOnlySpan<byte> id, UpstreamMessage message, string state)
    {
        output.Write("{\"jsonrpc\":\"2.0\",\"id\":"u8);
        output.Write(id);
        output.Write(",\"result\":"u8);
        ObjectRewrite.Write(output, message.Shape.Result.Of(message.Bytes.Span), static (ref Utf8JsonReader name) => !name.ValueTextEquals("requestState"u8), [.. "\"requestState\":"u8, .. JsonText.Write(state)]);
        output.Write("}"u8);
    }

    /// <summary>The answers of a client, by key; null when the member is no object.</summary>
    public static Dictionary<string, ReadOnlyMemory<byte>>? ReadResponses(ReadOnlyMemory<byte> responses)
    {
        var answers = new Dictionary<string, ReadOnlyMemory<byte>>(StringComparer.Ordinal);
        if (responses.IsEmpty) return answers;
        var reader = new Utf8JsonReader(responses.Span, new JsonReaderOptions { MaxDepth = 128 });
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var key = reader.GetString()!;
            reader.Read();
            var start = (int)reader.TokenStartIndex;
            var isObject = reader.TokenType == JsonTokenType.StartObject;
            reader.Skip();
            // What is no result is no answer either: the question is asked again.
            if (isObject) answers[key] = responses[start..(int)reader.BytesConsumed];
        }

        return answers;
    }

    private static void Begin(MessageBuffer output, ReadOnlySpan<byte> id)
    {
        output.Write("{\"jsonrpc\":\"2.0\",\"id\":"u8);
        output.Write(id);
        output.Write(",\"result\":{\"resultType\":\"input_required\",\"inputRequests\":{"u8);
    }

    private static void End(MessageBuffer output, string state)
    {
        output.Write("},\"requestState\":"u8);
        output.Write(JsonText.Write(state));
        output.Write("}}"u8);
    }

    /// <summary>Without <c>elicitationId</c>, which 2026-07-28 does not have, and with the mode, which it asks for.</summary>
    private static void WriteElicitation(MessageBuffer output, JsonElement elicitation)
    {
        using var writer = new Utf8JsonWriter(output, new JsonWriterOptions { Encoder = JsonText.Encoder });
        writer.WriteStartObject();
        writer.WriteString("mode"u8, "url"u8);
        foreach (var member in elicitation.EnumerateObject())
        {
            if (member.Name is not ("mode" or "elicitationId")) member.WriteTo(writer);
        }

        writer.WriteEndObject();
    }
}
