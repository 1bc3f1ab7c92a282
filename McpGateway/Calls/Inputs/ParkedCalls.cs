using System.Collections.Concurrent;
using System.Security.Cryptography;
using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Sessions.Ledger;

namespace McpGateway.Calls.Inputs;

/// <summary>
/// Calls of modern clients on upstreams of the legacy kind that wait for their client's answers. A parked call owns its exchange and its
/// lease. Whoever takes it out of the dictionary, and only he, goes on with it or ends it: the client's next try, its time limit, or the
/// gateway's end.
/// </summary>
internal sealed class ParkedCalls(SealingKeys keys, GatewayLedger ledger, TimeProvider time, ILogger<ParkedCalls> logger) : IAsyncDisposable
{
    /// <summary>How long a client may take to answer.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan s_goodbye = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<string, ParkedCall> _calls = new(StringComparer.Ordinal);

    /// <summary>Calls that wait now.</summary>
    public int Count => _calls.Count;

    /// <summary>Keeps a call until its client comes back. Takes the exchange over, and the lease.</summary>
    /// <returns>The sealed state by which the client goes on.</returns>
    public string Park(GatewayCall call, CallExchange exchange, SessionLease lease)
    {
        var id = RandomNumberGenerator.GetHexString(32, lowercase: true);
        // First what could fail: from the moment the call is in the dictionary it is not the caller's any more.
        var state = Seal(call, id, exchange.Questions!.Asked);
        exchange.Unfollow();
        Add(id, new ParkedCall(exchange, lease));
        return state;
    }

    /// <summary>
    /// Keeps the session of a call that a modern upstream wants again, with its own state: a child process may know only the state that it has
    /// given itself. Takes the lease over.
    /// </summary>
    public string Keep(GatewayCall call, SessionLease lease, ReadOnlyMemory<byte> upstreamState)
    {
        var id = RandomNumberGenerator.GetHexString(32, lowercase: true);
        var state = Seal(call, id, 1);
        Add(id, new ParkedCall(null, lease) { UpstreamState = upstreamState });
        return state;
    }

    /// <summary>The state of a request that is to be sent again, to an upstream that has ended it and waits for something outside.</summary>
    public string SealAgain(GatewayCall call) => Seal(call, null, 1);

    /// <summary>Verifies what a client has sent with its new try.</summary>
    /// <returns>The state; null when it is not of this request, this caller, this upstream, or of now.</returns>
    public RequestState? Verify(GatewayCall call)
    {
        var state = RequestState.Open(keys, JsonText.Read(call.Shape.RequestState.Of(call.Message.Span)));
        return state is not null
            && state.Principal == call.Key.Principal
            && state.Upstream == call.Upstream.Name
            && state.Generation == call.Upstream.Config.Fingerprint
            && state.ExpiresAt > time.GetUtcNow()
            && state.Digest == RequestState.DigestOf(call)
            ? state
            : null;
    }

    /// <summary>Takes a parked call, once; null when it is another gateway's, has been taken, or given up.</summary>
    public ParkedCall? Claim(RequestState state)
    {
        if (state.Continuation is null || state.Owner != ledger.Owner || !_calls.TryRemove(state.Continuation, out var parked)) return null;
        parked.Timer?.Dispose();
        return parked;
    }

    /// <summary>Gives up all of them: the gateway takes no more requests that could go on with one.</summary>
    public Task GiveUpAsync() => Task.WhenAll(_calls.Keys.Select(ExpireAsync));

    public async ValueTask DisposeAsync() => await GiveUpAsync();

    private void Add(string id, ParkedCall parked)
    {
        _calls[id] = parked;
        parked.Timer = time.CreateTimer(_ => _ = ExpireAsync(id), null, Patience, Timeout.InfiniteTimeSpan);
        // It may have been taken between the two lines; then its timer has nothing left to do.
        if (!_calls.ContainsKey(id)) parked.Timer.Dispose();
    }

    private string Seal(GatewayCall call, string? id, int round) => new RequestState(
        id, ledger.Owner, round, call.Key.Principal, RequestState.DigestOf(call), call.Upstream.Name, call.Upstream.Config.Fingerprint, time.GetUtcNow() + Patience).Seal(keys);

    private async Task ExpireAsync(string id)
    {
        if (!_calls.TryRemove(id, out var parked)) return;
        parked.Timer?.Dispose();
        try
        {
            await parked.GiveUpAsync(s_goodbye, time);
        }
        catch (Exception exception)
        {
            // On a timer's thread it would end the gateway.
            logger.GiveUpFailed(exception);
        }
    }
}
