using System.Text.Json.Nodes;
using FaultyUpstream.Faults;
using FaultyUpstream.Server;
using FaultyUpstream.Sessions;

namespace FaultyUpstream.Transports;

/// <summary>
/// A POST to <c>/message</c>, answered on the stream of its session. Invariant: once <see cref="Acknowledged"/> is complete the POST is over, and
/// its context is not touched again: a call that runs must not keep the connection from its next request.
/// </summary>
internal sealed class SseExchange(HttpContext context, FaultyServer server, ServerSession? session) : HttpExchange(context, server, session)
{
    private readonly ServerSession? _session = session;
    private readonly TaskCompletionSource _acknowledged = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The POST is to be answered with 202 now.</summary>
    public Task Acknowledged => _acknowledged.Task;

    /// <summary>The answer goes to the stream, so nobody waits here.</summary>
    public override CancellationToken Abandoned => CancellationToken.None;

    public override void Opened(ServerSession session)
    {
        // The session was named when its stream opened.
    }

    public override Task AdmitAsync() => _session is null ? Task.CompletedTask : TakeAsync();

    public override Task NotifyAsync(JsonObject notification)
    {
        _session?.Outbox.Post(notification);
        return Task.CompletedTask;
    }

    public override Task AnswerAsync(JsonObject answer, int status, bool? inStream = null)
    {
        _session?.Outbox.Post(answer);
        return TakeAsync();
    }

    public override Task TakeAsync()
    {
        _acknowledged.TrySetResult();
        return Task.CompletedTask;
    }

    public override Task EndAsync() => TakeAsync();

    public override Task StaySilentAsync(FaultAct.Silence silence) => silence.OfPost ? base.StaySilentAsync(silence) : TakeAsync();

    public override Task BreakOffAsync(FaultAct.Fragment fragment, Fault fault, JsonObject answer)
    {
        _session?.Outbox.Post(answer, half: true);
        return TakeAsync();
    }

    public override Task DieAsync()
    {
        if (_session is not null) Server.Sessions.End(_session, SessionEnd.Dropped, hard: true);
        return _acknowledged.Task.IsCompleted ? Task.CompletedTask : base.DieAsync();
    }
}
