using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Upstreams.Links;

namespace McpGateway.Calls;

/// <summary>Looks at an answer before the client gets it: is it the call's own, or does it say that the session is gone?</summary>
internal static class AnswerJudge
{
    /// <summary>Completes when the answer may pass as it is; at once, for all but errors and empty results in a session.</summary>
    /// <param name="call">The call.</param>
    /// <param name="session">The session it went out on.</param>
    /// <param name="answer">The answer.</param>
    /// <param name="hasRun">True when the upstream has already said something of the call, so that it cannot have refused it.</param>
    /// <param name="cancellationToken">Cancelled when nobody waits any more.</param>
    /// <exception cref="UpstreamException">The session is lost; the kind says whether the call can have run.</exception>
    public static ValueTask CheckAsync(GatewayCall call, UpstreamSession session, UpstreamMessage answer, bool hasRun, CancellationToken cancellationToken)
    {
        if (!session.Link.KeepsSession) return ValueTask.CompletedTask;
        var sign = Read(call, session.Link, answer);
        return sign.Code == 0 && !sign.IsEmptyResult ? ValueTask.CompletedTask : JudgeAsync(call, session, sign, hasRun, cancellationToken);
    }

    private static FailureSign Read(GatewayCall call, UpstreamLink link, UpstreamMessage answer) => answer.Shape.Kind == MessageKind.Error
        ? new FailureSign(link.Transport, HeldSession: true, Code: answer.Shape.ErrorCode, Text: answer.ReadErrorText())
        : new FailureSign(link.Transport, HeldSession: true, IsEmptyResult: call.Shape.Method == McpMethod.ToolsCall && FailureTable.IsEmpty(answer.Shape.Result.Of(answer.Bytes.Span)));

    private static async ValueTask JudgeAsync(GatewayCall call, UpstreamSession session, FailureSign sign, bool hasRun, CancellationToken cancellationToken)
    {
        var shape = FailureTable.Find(sign);
        if (shape.Kind is not { } kind) return;
        var said = sign.IsEmptyResult ? "It answered with an empty success" : $"It answered {sign.Code}: {session.Link.Redact(sign.Text)}";
        if (shape.NeedsProbe)
        {
            if (await call.Upstream.CatalogueOf(session.Profile).ProbeAsync(session.Link, session.Server.Era, cancellationToken) is not { } gone)
            {
                call.Upstream.Calls.PassedOn(shape.Name);
                return;
            }

            said += $"; asked for its tools, it showed that the session is gone: {gone}";
        }

        // What has been heard of has run, whatever the error says.
        throw new UpstreamException(hasRun ? FailureKind.OutcomeUnknown : kind, $"The session is lost. {said.TrimEnd('.')}.", retryAfter: shape.Pause) { Shape = shape.Name };
    }
}
