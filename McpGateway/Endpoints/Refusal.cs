using McpGateway.Calls;
using McpGateway.Protocol;

namespace McpGateway.Endpoints;

/// <summary>Refuses an HTTP request before it is any call: a status, and a JSON-RPC error that says why.</summary>
internal static class Refusal
{
    /// <summary>True for a body that could not be taken.</summary>
    public static bool Explains(Exception exception) => exception is MessageRefusedException or MessageTooLargeException;

    public static Task OfBodyAsync(HttpContext context, Exception exception) => exception switch
    {
        MessageRefusedException refused => WriteAsync(context, StatusCodes.Status400BadRequest, refused.Code, refused.Message),
        _ => WriteAsync(context, StatusCodes.Status413PayloadTooLarge, RpcErrorCode.InvalidRequest, $"{exception.Message} Send less, or raise Gateway:MessageLimit."),
    };

    /// <summary>A client that comes back finds another gateway, or this one started again.</summary>
    public static Task WhileDrainingAsync(HttpContext context, ReadOnlyMemory<byte> id = default, ServerOperation? operation = null)
    {
        context.Response.Headers.RetryAfter = "5";
        return WriteAsync(context, StatusCodes.Status503ServiceUnavailable, RpcErrorCode.UpstreamUnavailable, "The gateway is draining. Try again in a few seconds.", id, operation);
    }

    /// <summary>Another gateway has what is asked for, and could not be asked.</summary>
    /// <param name="context">The request.</param>
    /// <param name="status">503 when it was not asked, 504 when it did not reply.</param>
    public static Task OfReplicaAsync(HttpContext context, int status)
    {
        context.Response.Headers.RetryAfter = "5";
        return WriteAsync(context, status, RpcErrorCode.UpstreamUnavailable, status == StatusCodes.Status504GatewayTimeout
            ? "The gateway that holds this stream does not reply. It may have taken the message."
            : "The gateway that holds this stream is not reached, or is draining. Try again in a few seconds.");
    }

    public static async Task WriteAsync(HttpContext context, int status, int code, string message, ReadOnlyMemory<byte> id = default, ServerOperation? operation = null)
    {
        operation?.Note(new OperationEnd(code));
        using var answer = new MessageBuffer(512);
        new RpcError(code, message).WriteTo(answer, id.Span);
        context.Response.StatusCode = status;
        await HttpAnswer.WriteJsonAsync(context.Response, answer);
    }
}
