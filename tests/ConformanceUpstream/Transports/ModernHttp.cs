using System.Text.Json.Nodes;
using ConformanceUpstream.Modern;

namespace ConformanceUpstream.Transports;

/// <summary><c>/mcp</c> of 2026-07-28: a POST per message, and nothing else.</summary>
internal sealed class ModernHttp(ModernServer server)
{
    public void Map(IEndpointRouteBuilder routes) => routes.MapPost("/mcp", PostAsync);

    private async Task PostAsync(HttpContext context)
    {
        var answer = new HttpAnswer(context);
        if (await answer.ReadAsync() is not { } message) return;
        if (!message.IsRequest)
        {
            context.Response.StatusCode = StatusCodes.Status202Accepted;
            return;
        }

        try
        {
            MirroredHeaders.Check(context.Request.Headers, message);
            await answer.EndAsync(await server.AnswerAsync(message, NotifyAsync, context.RequestAborted));
        }
        catch (RpcException error)
        {
            await answer.EndAsync(error.Answer(message.Id), StatusOf(message, error));
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // A client that closes the response takes its request back.
        }

        Task NotifyAsync(JsonObject notification) => answer.StreamAsync(notification.ToJsonString(), name: "message");
    }

    /// <summary>Refusals of the transport have a status of their own, answers of the server have not (SEP-2575).</summary>
    private static int StatusOf(RpcMessage message, RpcException error) => error.Code switch
    {
        RpcCode.MethodNotFound => StatusCodes.Status404NotFound,
        RpcCode.HeaderMismatch or RpcCode.MissingCapability or RpcCode.UnsupportedVersion => StatusCodes.Status400BadRequest,
        RpcCode.InvalidParams when message.Meta?[Envelope.ProtocolVersion] is null || message.Meta[Envelope.ClientCapabilities] is null => StatusCodes.Status400BadRequest,
        _ => StatusCodes.Status200OK,
    };
}
