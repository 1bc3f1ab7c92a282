using System.Text;
using System.Text.Json;
using McpGateway.Protocol;
using McpGateway.Sessions;

namespace McpGateway.Calls.Inputs;

/// <summary>Asks a legacy client what a modern upstream wants to know before it answers: each input request goes out on the call's stream as a request of its own.</summary>
internal static class InputRounds
{
    /// <summary>Rounds of one call at most; a server that still asks then would ask for ever.</summary>
    public const int Most = 8;

    /// <summary>Asks, waits for all answers, and makes the request that the upstream wants now.</summary>
    /// <param name="call">The client's request.</param>
    /// <param name="result">The <c>input_required</c> result.</param>
    /// <param name="cancellationToken">Cancelled when the client gives the call up.</param>
    /// <exception cref="InputRefusedException">The client cannot or does not want to be asked.</exception>
    public static async Task<GatewayCall> AskAsync(GatewayCall call, UpstreamMessage result, CancellationToken cancellationToken)
    {
        using var document = JsonDocument.Parse(result.Shape.Result.Of(result.Bytes), new JsonDocumentOptions { MaxDepth = 128 });
        var state = InputRequired.ReadState(result);
        var asked = new List<(string Key, McpMethod Method, PendingQuestion Question)>();
        try
        {
            if (document.RootElement.TryGetProperty("inputRequests"u8, out var requests) && requests.ValueKind == JsonValueKind.Object)
            {
                foreach (var request in requests.EnumerateObject()) asked.Add(await AskAsync(call, request));
            }

            using var responses = new MessageBuffer(1024);
            responses.Write("{"u8);
            foreach (var (key, method, question) in asked)
            {
                var answer = Read(method, await question.Answer.WaitAsync(cancellationToken));
                if (responses.Length > 1) responses.Write(","u8);
                responses.Write(JsonText.Write(key));
                responses.Write(":"u8);
                responses.Write(answer.Span);
            }

            responses.Write("}"u8);
            return InputRewrite.With(call, responses.Span, state);
        }
        finally
        {
            foreach (var (_, _, question) in asked) call.Peer!.Withdraw(question.Id);
        }
    }

    private static async Task<(string Key, McpMethod Method, PendingQuestion Question)> AskAsync(GatewayCall call, JsonProperty request)
    {
        var name = request.Value.ValueKind == JsonValueKind.Object && request.Value.TryGetProperty("method"u8, out var member) && member.ValueKind == JsonValueKind.String ? member.GetRawText() : "\"\"";
        var method = MethodOf(name);
        var parameters = request.Value.TryGetProperty("params"u8, out var given) && given.ValueKind == JsonValueKind.Object ? Encoding.UTF8.GetBytes(given.GetRawText()) : "{}"u8.ToArray();
        if (call.Peer is null || QuestionRule.Refusal(method, parameters, call.Capabilities) is not null)
            throw new InputRefusedException(new RpcError(RpcErrorCode.InternalError, $"Upstream '{call.Upstream.Name}' asks for {name}, which the client has not declared.", Upstream: call.Upstream.Name));
        if (method == McpMethod.Elicit) parameters = WithElicitationId(parameters);
        return (request.Name, method, await call.Peer.AskAsync(Encoding.UTF8.GetBytes(name), parameters, call.Answer.NotifyAsync));
    }

    /// <summary>There is no place for an error among the answers: a form is dismissed, everything else ends the call with the client's own error.</summary>
    private static ReadOnlyMemory<byte> Read(McpMethod method, ClientAnswer answer)
    {
        if (!answer.IsError) return answer.Body;
        if (method == McpMethod.Elicit) return """{"action":"cancel"}"""u8.ToArray();
        using var error = JsonDocument.Parse(answer.Body);
        var code = error.RootElement.TryGetProperty("code"u8, out var number) && number.TryGetInt32(out var given) ? given : RpcErrorCode.InternalError;
        var message = error.RootElement.TryGetProperty("message"u8, out var text) ? text.ToString() : "";
        throw new InputRefusedException(new RpcError(code, $"The client answered a question of the upstream's with an error: {message}"));
    }

    /// <summary>2025-11-25 wants an id by which a completed visit could be told; 2026-07-28 has none.</summary>
    private static byte[] WithElicitationId(byte[] parameters)
    {
        using var document = JsonDocument.Parse(parameters);
        if (!document.RootElement.TryGetProperty("mode"u8, out var mode) || !mode.ValueEquals("url"u8) || document.RootElement.TryGetProperty("elicitationId"u8, out _)) return parameters;
        using var output = new MessageBuffer(parameters.Length + 64);
        ObjectRewrite.Write(output, parameters, static (ref Utf8JsonReader _) => true, Encoding.UTF8.GetBytes($"\"elicitationId\":\"{Guid.NewGuid():N}\""));
        return output.Span.ToArray();
    }

    private static McpMethod MethodOf(string json)
    {
        var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(json));
        reader.Read();
        return McpMethodNames.Read(ref reader);
    }
}

/// <summary>A modern upstream's question cannot be put to the client; carries what the call ends with.</summary>
internal sealed class InputRefusedException(RpcError error) : Exception(error.Message)
{
    public RpcError Error { get; } = error;
}
