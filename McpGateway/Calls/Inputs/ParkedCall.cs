using McpGateway.Sessions;

namespace McpGateway.Calls.Inputs;

/// <summary>A call that waits for its client, with what it holds upstream. Its owner goes on with both or gives both up.</summary>
/// <param name="exchange">The call under way; null where a modern upstream has ended it, and wants it again in the same process.</param>
/// <param name="lease">The session.</param>
/// <param name="limits">What it may wait for.</param>
internal sealed class ParkedCall(CallExchange? exchange, SessionLease lease, ParkLimits limits)
{
    public CallExchange? Exchange => exchange;

    /// <summary>The <c>requestState</c> of a modern upstream, with its quotes; empty where there is none.</summary>
    public ReadOnlyMemory<byte> UpstreamState { get; init; }

    public SessionLease Lease => lease;

    public ParkLimits Limits => limits;

    /// <summary>Counts the parked calls of one gateway: the lower one has waited longer.</summary>
    public long Number { get; set; }

    /// <summary>Ends the wait.</summary>
    public ITimer? Timer { get; set; }

    /// <summary>Ends the wait with the upstream.</summary>
    public CancellationTokenRegistration WithUpstream { get; set; }

    /// <summary>
    /// The client does not come back: the upstream gets an answer to each question, and the call is ended. Nobody else gets its session,
    /// unless it belongs to an owner who knows of it.
    /// </summary>
    /// <param name="reason">Why its session is closed.</param>
    /// <param name="timeout">How long the upstream may take to take the answers.</param>
    /// <param name="time">The clock.</param>
    public async Task GiveUpAsync(CloseReason reason, TimeSpan timeout, TimeProvider time)
    {
        if (exchange is null)
        {
            await lease.DisposeAsync();
            return;
        }

        using var deadline = new CancellationTokenSource(timeout, time);
        try
        {
            foreach (var question in exchange.Questions!.Kept.Values) await question.GiveUpAsync(deadline.Token);
        }
        catch (OperationCanceledException)
        {
            // The upstream takes no answer either.
        }
        finally
        {
            if (lease.Session.PinnedTo is null) lease.Break(reason);
            await exchange.DisposeAsync();
            await lease.DisposeAsync();
        }
    }
}

/// <summary>For how long a call may wait for its client, and among how many.</summary>
/// <param name="Upstream">Whose session it holds.</param>
/// <param name="Principal">Who called.</param>
/// <param name="Patience">How long its client may take to answer.</param>
/// <param name="Most">Calls of this upstream that wait at once.</param>
internal sealed record ParkLimits(string Upstream, string Principal, TimeSpan Patience, int Most)
{
    /// <summary>Cancelled when the client's next try could not reach the upstream any more.</summary>
    public CancellationToken Left { get; init; }
}
