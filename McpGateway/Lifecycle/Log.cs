namespace McpGateway;

/// <summary>What the gateway logs. Event ids: 1000s upstreams, 2000s sessions, 3000s calls, 4000s life cycle. The names are a contract.</summary>
internal static partial class Log
{
    [LoggerMessage(1001, LogLevel.Information, "Upstream {Upstream}: {Line}")]
    public static partial void UpstreamSaid(this ILogger logger, string upstream, string line);

    [LoggerMessage(1002, LogLevel.Warning, "An upstream sent something that is no message; it is ignored. {Reason}")]
    public static partial void IgnoredMessage(this ILogger logger, string reason);

    [LoggerMessage(1003, LogLevel.Information, "Upstream {Upstream} speaks {Version} over {Transport}.")]
    public static partial void EraDetected(this ILogger logger, string upstream, string version, string transport);

    [LoggerMessage(1004, LogLevel.Warning, "Upstream {Upstream} cannot be opened ({Kind}): {Reason} Next attempt in {Delay:0.0} s.")]
    public static partial void OpenFailed(this ILogger logger, string upstream, Sessions.FailureKind kind, string reason, double delay);

    [LoggerMessage(1005, LogLevel.Warning, "The remembered era of upstream {Upstream} does not hold any more: {Reason} It is detected anew.")]
    public static partial void EraForgotten(this ILogger logger, string upstream, string reason);

    [LoggerMessage(1006, LogLevel.Warning, "Upstream {Upstream} asked something within a call and did not take the answer: {Reason}")]
    public static partial void AnswerNotTaken(this ILogger logger, string upstream, string reason);

    [LoggerMessage(1007, LogLevel.Warning, "The {Noun} {Name} of {Upstream} is not on the aggregate: {Owner}, which has the same, comes first.")]
    public static partial void Shadowed(this ILogger logger, string noun, string name, string upstream, string owner);

    [LoggerMessage(1008, LogLevel.Warning, "Upstream {Upstream} said {Count} more lines in a row that are no message.")]
    public static partial void IgnoredMore(this ILogger logger, string upstream, int count);

    [LoggerMessage(2001, LogLevel.Debug, "Session {Session} of {Upstream} opened in {Milliseconds:0} ms.")]
    public static partial void SessionOpened(this ILogger logger, long session, string upstream, double milliseconds);

    [LoggerMessage(2002, LogLevel.Information, "Session {Session} of {Upstream} closed: {Reason}")]
    public static partial void SessionClosed(this ILogger logger, long session, string upstream, string reason);

    [LoggerMessage(2003, LogLevel.Debug, "A session of {Upstream} could not be ended at the upstream.")]
    public static partial void DeleteFailed(this ILogger logger, string upstream, Exception exception);

    [LoggerMessage(2004, LogLevel.Debug, "A process that was to be killed has already ended.")]
    public static partial void KillFailed(this ILogger logger, Exception exception);

    [LoggerMessage(2005, LogLevel.Error, "The opener of {Upstream} failed in a way nobody foresaw; it goes on.")]
    public static partial void OpenerFailed(this ILogger logger, string upstream, Exception exception);

    [LoggerMessage(2006, LogLevel.Error, "The keeper failed at {Upstream} in a way nobody foresaw; it goes on.")]
    public static partial void KeeperFailed(this ILogger logger, string upstream, Exception exception);

    [LoggerMessage(2007, LogLevel.Warning, "Session {Session} of {Upstream} has been leased by {Caller} for {Seconds:0} s, longer than a call may take. Trace {Trace}.")]
    public static partial void LeaseNotReturned(this ILogger logger, string upstream, long session, string caller, string? trace, double seconds);

    [LoggerMessage(2008, LogLevel.Information, "Session {Session} of {Upstream} was taken from {Owner}, unused for {Seconds:0.0} s, for one who waits.")]
    public static partial void PinEvicted(this ILogger logger, long session, string upstream, string owner, double seconds);

    [LoggerMessage(3001, LogLevel.Information, "{Method} on {Upstream} failed ({Kind}) and is repeated on another session, since it cannot have run or may run twice: {Reason}")]
    public static partial void CallRepeated(this ILogger logger, string method, string upstream, Sessions.FailureKind kind, string reason);

    [LoggerMessage(3002, LogLevel.Warning, "{Method} on {Upstream} failed ({Kind}): {Reason}")]
    public static partial void CallFailed(this ILogger logger, string method, string upstream, Sessions.FailureKind kind, string reason);

    [LoggerMessage(3003, LogLevel.Error, "{Method} failed in a way nobody foresaw.")]
    public static partial void RequestFailed(this ILogger logger, string method, Exception exception);

    [LoggerMessage(3004, LogLevel.Error, "A call whose client did not answer could not be ended in good order.")]
    public static partial void GiveUpFailed(this ILogger logger, Exception exception);

    [LoggerMessage(3005, LogLevel.Error, "A message of another gateway ({Kind}) failed in a way nobody foresaw; the next one is taken.")]
    public static partial void ReplicaMessageFailed(this ILogger logger, Endpoints.Replicas.ReplicaMessageKind kind, Exception exception);

    [LoggerMessage(4001, LogLevel.Information, "Upstreams from {Source}: {Upstreams}.")]
    public static partial void UpstreamsLoaded(this ILogger logger, string source, string upstreams);

    [LoggerMessage(4002, LogLevel.Error, "{File} changed but cannot be used; the upstreams stay as they were.{Errors}")]
    public static partial void ReloadRefused(this ILogger logger, string file, string errors);

    [LoggerMessage(4003, LogLevel.Information, "Draining: {Calls} calls under way, deadline {Deadline:0} s.")]
    public static partial void Draining(this ILogger logger, int calls, double deadline);

    [LoggerMessage(4004, LogLevel.Information, "Drained: {Calls} calls were still under way.")]
    public static partial void Drained(this ILogger logger, int calls);
}
