using McpGateway.Sessions;

namespace McpGateway.Calls.Inputs;

/// <summary>A call that waits for its client, with what it holds upstream. Its owner goes on with both or gives both up.</summary>
/// <param name="exchange">The call under way; null where a modern upstream has ended it, and wants it again in the same process.</param>
/// <param name="lease">The session.</param>
internal sealed class ParkedCall(CallExchange? exchange, SessionLease lease)
{
    public CallExchange? Exchange => exchange;

    /// <summary>The <c>requestState</c> of a modern upstream, with its quotes; empty where there is none.</summary>
    public ReadOnlyMemory<byte> UpstreamState { get; init; }

    public SessionLease Lease => lease;

    /// <summary>Ends the wait.</summary>
    public ITimer? Timer { get; set; }

    /// <summary>
    /// The client does not come back: the upstream gets an answer to each question, and the call is ended. Nobody else gets its session,
    /// unless it belongs to an owner who knows of it.
    /// </summary>
    public async Task GiveUpAsync(TimeSpan timeout, TimeProvider time)
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
            if (lease.Session.PinnedTo is null) lease.Break(CloseReason.NotAnswered);
            await exchange.DisposeAsync();
            await lease.DisposeAsync();
        }
    }
}
