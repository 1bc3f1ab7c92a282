using McpGateway.Protocol;

namespace McpGateway.Upstreams.Links;

/// <summary>Answers of the gateway's own to requests that an upstream makes: <c>ping</c>, and what nobody declared to be able to answer.</summary>
internal static class ServerRequest
{
    private const string Undeclared = "The client declared no such capability.";

    /// <summary>The answer to a ping.</summary>
    public static byte[] Pong(MessageShape request, ReadOnlySpan<byte> bytes) => Result(request.Id.Of(bytes), "{}"u8);

    /// <summary>Refuses a request as a method that is not there, which is what it is to a client that did not declare it.</summary>
    public static byte[] Refusal(MessageShape request, ReadOnlySpan<byte> bytes) => Error(request.Id.Of(bytes), RpcErrorCode.MethodNotFound, Undeclared);

    /// <summary>A result for the upstream's own id.</summary>
    public static byte[] Result(ReadOnlySpan<byte> id, ReadOnlySpan<byte> result)
    {
        using var answer = new MessageBuffer(id.Length + result.Length + 64);
        answer.Write("{\"jsonrpc\":\"2.0\",\"id\":"u8);
        answer.Write(id);
        answer.Write(",\"result\":"u8);
        answer.Write(result);
        answer.Write("}"u8);
        answer.FoldLines();
        return answer.Span.ToArray();
    }

    /// <summary>An error for the upstream's own id.</summary>
    public static byte[] Error(ReadOnlySpan<byte> id, int code, string message)
    {
        using var answer = new MessageBuffer(256);
        new RpcError(code, message).WriteTo(answer, id);
        return answer.Span.ToArray();
    }

    /// <summary>An error object as it came, for the upstream's own id.</summary>
    public static byte[] Error(ReadOnlySpan<byte> id, ReadOnlySpan<byte> error)
    {
        using var answer = new MessageBuffer(id.Length + error.Length + 64);
        answer.Write("{\"jsonrpc\":\"2.0\",\"id\":"u8);
        answer.Write(id);
        answer.Write(",\"error\":"u8);
        answer.Write(error);
        answer.Write("}"u8);
        answer.FoldLines();
        return answer.Span.ToArray();
    }
}
