using McpGateway.Protocol;
using McpGateway.Sessions;

namespace McpGateway.Calls;

/// <summary>Says to a client, and to the model behind it, what a failure means and what to do.</summary>
internal static class CallErrors
{
    public static RpcError Explain(string upstream, UpstreamException exception) => exception.Kind switch
    {
        FailureKind.Unreachable or FailureKind.SessionLost or FailureKind.OneSession or FailureKind.Throttled =>
            new RpcError(RpcErrorCode.UpstreamUnavailable, $"Upstream '{upstream}' is not available: {Reason(upstream, exception)} The call did not run.", exception.RetryAfter, upstream),
        FailureKind.Unauthorized =>
            new RpcError(RpcErrorCode.UpstreamUnavailable, $"Upstream '{upstream}' is unauthorized: {Reason(upstream, exception)} The call did not run.", exception.RetryAfter, upstream),
        FailureKind.Refused => new RpcError(RpcErrorCode.InvalidRequest, $"{Sentence(exception.Message)} The call did not run.", Upstream: upstream),
        FailureKind.TimedOut =>
            new RpcError(RpcErrorCode.OutcomeUnknown, $"Outcome unknown: upstream '{upstream}' did not answer in time. {Sentence(exception.Message)} It may have run; check before you repeat it.", Upstream: upstream),
        _ =>
            new RpcError(RpcErrorCode.OutcomeUnknown, $"Outcome unknown: the call was sent to upstream '{upstream}' and its answer was lost. {Sentence(exception.Message)} It may have run; check before you repeat it.", Upstream: upstream),
    };

    /// <summary>The rest of a sentence that has named the upstream already.</summary>
    private static string Reason(string upstream, UpstreamException exception)
    {
        var reason = Sentence(exception.Message);
        var subject = $"Upstream '{upstream}' ";
        return reason.StartsWith(subject, StringComparison.Ordinal) ? $"it {reason[subject.Length..]}" : reason;
    }

    /// <summary>What the operating system and the libraries say mostly ends without a full stop.</summary>
    private static string Sentence(string text) => text.TrimEnd() is [.., not ('.' or '!' or '?')] open ? $"{open}." : text;
}
