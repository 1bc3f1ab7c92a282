using McpGateway.Protocol;

namespace McpGateway.Upstreams.Links;

/// <summary>
/// Answers requests that an upstream makes of the gateway. The gateway declares no client capability, so only <c>ping</c>
/// has an answer; everything else is a method it does not have.
/// </summary>
internal static class ServerRequest
{
    public static byte[] Answer(MessageShape request, ReadOnlySpan<byte> bytes)
    {
        using var answer = new MessageBuffer(256);
        if (request.Method == McpMethod.Ping)
        {
            answer.Write("{\"jsonrpc\":\"2.0\",\"id\":"u8);
            answer.Write(request.Id.Of(bytes));
            answer.Write(",\"result\":{}}"u8);
        }
        else
        {
            new RpcError(RpcErrorCode.MethodNotFound, "The client declared no such capability.").WriteTo(answer, request.Id.Of(bytes));
        }

        return answer.Span.ToArray();
    }
}
