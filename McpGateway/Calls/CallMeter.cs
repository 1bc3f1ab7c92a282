using System.Diagnostics;
using System.Globalization;
using McpGateway.Calls.Lists;
using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Upstreams;

namespace McpGateway.Calls;

/// <summary>
/// The instruments of <see cref="CallMetrics"/> as the calls of one upstream use them, and the two numbers an operator sees. No clock
/// is read for an instrument that nobody listens to.
/// </summary>
internal sealed class CallMeter(CallMetrics metrics, Upstream upstream, TimeProvider time)
{
    private readonly KeyValuePair<string, object?> _upstream = new(PoolMetrics.UpstreamTag, upstream.Name);
    private long _total;
    private long _firstAttempt;

    /// <summary>Calls that have ended, but for those that their caller gave up and those that no session decided.</summary>
    public long Total => Volatile.Read(ref _total);

    /// <summary>Those of <see cref="Total"/> that the first attempt answered, be it with the upstream's own error.</summary>
    public long FirstAttempt => Volatile.Read(ref _firstAttempt);

    /// <summary>A call was answered by its upstream.</summary>
    public void Answered(string method, int attempt)
    {
        var tag = Method(method);
        Interlocked.Increment(ref _total);
        metrics.Calls.Add(1, _upstream, tag);
        if (attempt > 1) return;
        Interlocked.Increment(ref _firstAttempt);
        metrics.FirstAttempt.Add(1, _upstream, tag);
    }

    /// <summary>A call failed and its caller was told.</summary>
    public void Failed(string method, UpstreamException failure)
    {
        if (IsOfSessions(failure))
        {
            Interlocked.Increment(ref _total);
            metrics.Calls.Add(1, _upstream, Method(method));
        }

        metrics.Failures.Add(1, _upstream, new("error.type", PoolMeter.Spell(failure.Kind)), new("visible", true));
        if (failure.Shape is { } shape) Classified(shape, failure.ProvablyNotRun ? "refused" : "unknown");
    }

    /// <summary>An attempt failed and is repeated; the caller sees nothing of it.</summary>
    public void Repeated(UpstreamException failure)
    {
        metrics.Failures.Add(1, _upstream, new("error.type", PoolMeter.Spell(failure.Kind)), new("visible", false));
        if (failure.Shape is { } shape) Classified(shape, "repeated");
    }

    /// <summary>What looked like a failure was an ordinary answer, and the caller got it.</summary>
    public void PassedOn(string shape) => Classified(shape, "passed_on");

    /// <summary>A timestamp, if the duration of an attempt is measured.</summary>
    public long Start() => metrics.Client.Enabled ? time.GetTimestamp() : LeaseSlot.Untimed;

    /// <summary>One attempt has ended.</summary>
    /// <param name="call">The call.</param>
    /// <param name="session">The session it went out on.</param>
    /// <param name="started">From <see cref="Start"/>.</param>
    /// <param name="end">How it ended.</param>
    public void Ended(GatewayCall call, UpstreamSession session, long started, OperationEnd end)
    {
        if (started == LeaseSlot.Untimed) return;
        var tags = new TagList { _upstream, Method(call.MethodName), { "mcp.protocol.version", session.Server.Version } };
        end.AddTo(ref tags);
        if (call.Shape.Method == McpMethod.ToolsCall)
        {
            tags.Add("gen_ai.operation.name", "execute_tool");
            // Callers make names up; those that the upstream lists are no more than it has tools.
            if (Lists(session, call.Target))
            {
                tags.Add("gen_ai.tool.name", call.Target);
                call.Answer.NameTool(JsonText.Read(call.Shape.Name.Of(call.Message.Span)));
            }
        }

        var isPipe = upstream.Memory?.Transport == UpstreamTransport.Stdio;
        tags.Add("network.transport", isPipe ? "pipe" : "tcp");
        if (!isPipe) tags.Add("network.protocol.name", "http");
        if (upstream.Config.Url is { } url)
        {
            tags.Add("server.address", url.Host);
            tags.Add("server.port", url.Port);
        }

        metrics.Client.Record(time.GetElapsedTime(started).TotalSeconds, tags);
    }

    /// <summary>False for what says nothing of the sessions: a call that was refused as it was made, a credential, an upstream that asks to wait or that an operator has drained.</summary>
    private static bool IsOfSessions(UpstreamException failure) => failure.Kind is not (FailureKind.Refused or FailureKind.Unauthorized or FailureKind.Throttled);

    private static KeyValuePair<string, object?> Method(string name) => new("mcp.method.name", McpMethodNames.Bounded(name));

    private bool Lists(UpstreamSession session, string? tool) => upstream.CatalogueOf(session.Profile)[ListKind.Tools]?.Find(tool) is not null;

    private void Classified(string shape, string outcome) => metrics.Classified.Add(1, _upstream, new("shape", shape), new("outcome", outcome));
}

/// <summary>How an operation ended, as the conventions tell it.</summary>
/// <param name="ErrorCode">Code of the JSON-RPC error that answered it; 0 for none.</param>
/// <param name="IsToolError">True for a result of <c>tools/call</c> that says so of itself.</param>
/// <param name="Failure">What it failed by when nothing answered it; null else.</param>
internal readonly record struct OperationEnd(int ErrorCode = 0, bool IsToolError = false, string? Failure = null)
{
    private string? ErrorType => Failure ?? (ErrorCode != 0 ? ErrorCode.ToString(CultureInfo.InvariantCulture) : IsToolError ? "tool_error" : null);

    public void AddTo(ref TagList tags)
    {
        if (ErrorType is { } type) tags.Add("error.type", type);
        if (ErrorCode != 0) tags.Add("rpc.response.status_code", ErrorCode.ToString(CultureInfo.InvariantCulture));
    }
}
