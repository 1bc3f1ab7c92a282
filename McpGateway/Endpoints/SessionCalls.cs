using McpGateway.Calls;
using McpGateway.Protocol;
using McpGateway.Upstreams;

namespace McpGateway.Endpoints;

/// <summary>Runs the requests of legacy clients' sessions. They do not belong to a connection: one that breaks cancels nothing.</summary>
internal sealed class SessionCalls(RequestRouter router, ClientSessions sessions, ILogger<SessionCalls> logger)
{
    /// <summary>Runs a request to its end. A failure nobody foresaw is logged and answered.</summary>
    /// <param name="session">Whose it is.</param>
    /// <param name="scope">The endpoint's upstream; null for the aggregate.</param>
    /// <param name="message">The request; taken over.</param>
    /// <param name="answer">Where its messages go.</param>
    public async Task RunAsync(ClientSession session, Upstream? scope, Incoming message, AnswerWriter answer)
    {
        using var owned = message;
        using var call = new ClientCall(answer);
        if (!session.TryBegin(message.Id.Span, call))
        {
            await answer.FailAsync(new RpcError(RpcErrorCode.InvalidRequest, "A request with this id is under way in this session."), message.Id);
            return;
        }

        try
        {
            await router.RouteAsync(new ClientRequest(message, McpEra.Legacy, scope, session.Key, answer) { Peer = session.Peer }, call.Cancelled);
        }
        catch (OperationCanceledException) when (call.Cancelled.IsCancellationRequested)
        {
            // A cancelled request gets no answer.
        }
        catch (Exception exception)
        {
            logger.RequestFailed(JsonText.Read(message.Shape.MethodName.Of(message.Span)) ?? "", exception);
            await answer.FailAsync(new RpcError(RpcErrorCode.InternalError, "The gateway failed at this request. Its log says why."), message.Id);
        }
        finally
        {
            session.End(message.Id.Span, call);
            if (session.HasEnded) await sessions.ReleaseAsync(session);
        }
    }
}
