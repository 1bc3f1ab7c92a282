using McpGateway.Calls.Inputs;
using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Upstreams.Links;

namespace McpGateway.Calls;

/// <summary>
/// One call under way upstream, from its request to its answer. It may outlive the client's request that began it: then it is parked with
/// the questions that the upstream waits for, and another request of the client takes it over. One owner at a time, who disposes it.
/// </summary>
internal sealed class CallExchange(UpstreamSession session, TimeProvider time) : IAsyncDisposable
{
    private readonly CancellationTokenSource _end = new(Timeout.InfiniteTimeSpan, time);
    private MessageBuffer? _request;
    private UpstreamExchange? _exchange;
    private Task<UpstreamMessage>? _next;

    public UpstreamSession Session => session;

    /// <summary>The call's id upstream.</summary>
    public long Id { get; } = session.Link.NextId();

    /// <summary>True once the upstream has said anything of the call, so that it cannot have refused it unread.</summary>
    public bool HasRun { get; private set; }

    /// <summary>What the upstream has asked its client; null while it has asked nothing.</summary>
    public OpenQuestions? Questions { get; private set; }

    /// <summary>True while a modern client has to be told of questions.</summary>
    public bool HasOpenQuestions => Questions is { Kept.Count: > 0 };

    /// <summary>What its answer said, for what is measured.</summary>
    public OperationEnd End { get; set; }

    /// <summary>The result by which a modern upstream asked for input; taken over by who reads it.</summary>
    public UpstreamMessage? Input { get; set; }

    /// <summary>The hold on the session of who runs the call now.</summary>
    public SessionLease Lease { get; set; }

    /// <summary>True once the upstream has answered.</summary>
    public bool IsAnswered { get; private set; }

    /// <summary>
    /// Gives the session back once the upstream's part is over. How fast the client takes its answer is no matter of the session's: one that
    /// does not read would keep it from all others, past every deadline.
    /// </summary>
    public ValueTask ReleaseAsync()
    {
        IsAnswered = true;
        if (Questions is not null && session.PinnedTo is null) Lease.Break(CloseReason.Asked);
        return Lease.DisposeAsync();
    }

    /// <summary>Cancelled at the call's deadline or when its client gives it up.</summary>
    public CancellationToken Ended => _end.Token;

    /// <summary>Ties the call to a request of its client, until the registration is disposed.</summary>
    /// <param name="timeout">From now on.</param>
    /// <param name="cancellationToken">Cancelled when the client gives it up.</param>
    public CancellationTokenRegistration Follow(TimeSpan timeout, CancellationToken cancellationToken)
    {
        _end.CancelAfter(timeout);
        return cancellationToken.UnsafeRegister(static end => ((CancellationTokenSource)end!).Cancel(), _end);
    }

    /// <summary>Ends the call with its upstream as well, until the registration is disposed.</summary>
    public CancellationTokenRegistration EndWith(CancellationToken abandoned) =>
        abandoned.UnsafeRegister(static end => ((CancellationTokenSource)end!).Cancel(), _end);

    /// <summary>Makes the call wait for its client, who has left its request.</summary>
    public void Unfollow() => _end.CancelAfter(Timeout.InfiniteTimeSpan);

    /// <summary>Sends the request.</summary>
    public async Task SendAsync(GatewayCall call)
    {
        _request = RequestSplicer.Splice(call, Id, session.Server.Era);
        var request = new OutgoingRequest(Id, _request.Memory, call.MethodName, call.Target, call.Parameters) { IsClients = !call.Upstream.IsShared };
        _exchange = await session.Link.SendRequestAsync(request, _end.Token);
    }

    /// <summary>The next message; the caller disposes it.</summary>
    public ValueTask<UpstreamMessage> NextAsync()
    {
        var next = _next is { } waiting ? new ValueTask<UpstreamMessage>(waiting) : _exchange!.NextAsync(_end.Token);
        _next = null;
        return next;
    }

    /// <summary>The next message, if it comes before the pause is over; else null, and the wait for it goes on unseen.</summary>
    public async ValueTask<UpstreamMessage?> NextWithinAsync(TimeSpan pause)
    {
        _next ??= _exchange!.NextAsync(_end.Token).AsTask();
        try
        {
            await _next.WaitAsync(pause, time, CancellationToken.None);
        }
        catch (TimeoutException)
        {
            if (!_next.IsCompleted) return null;
        }

        return await NextAsync();
    }

    /// <summary>Notes that the upstream has said something of the call.</summary>
    public void Heard() => HasRun = true;

    /// <summary>Where a question of the upstream's goes.</summary>
    public OpenQuestions Ask() => Questions ??= new OpenQuestions();

    public async ValueTask DisposeAsync()
    {
        Questions?.Dispose();
        // Who still waits for an answer to a question of this call, or for its next message, waits for nothing now.
        if (Questions is not null || _next is not null) await _end.CancelAsync();
        if (_next is not null) await DropAsync(_next);
        if (_exchange is not null) await _exchange.DisposeAsync();
        _request?.Dispose();
        _end.Dispose();
    }

    /// <summary>The wait that a park left behind ends with the exchange; what it still brought is dropped.</summary>
    private static async Task DropAsync(Task<UpstreamMessage> next)
    {
        try
        {
            (await next).Dispose();
        }
        catch (Exception exception) when (exception is UpstreamException or OperationCanceledException)
        {
            // Ended, as it should.
        }
    }
}
