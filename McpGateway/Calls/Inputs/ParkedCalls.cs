using System.Security.Cryptography;
using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Sessions.Ledger;

namespace McpGateway.Calls.Inputs;

/// <summary>
/// Calls of modern clients that wait for their client's answers, and the sealed states by which the clients go on with them. What a state
/// says is checked before the call is touched.
/// </summary>
internal sealed class ParkedCalls(SealingKeys keys, GatewayLedger ledger, ParkingLot lot, TimeProvider time)
{
    /// <summary>Keeps a call until its client comes back. Takes the exchange over, and the lease.</summary>
    /// <returns>The sealed state by which the client goes on.</returns>
    public string Park(GatewayCall call, CallExchange exchange, SessionLease lease)
    {
        var id = NewId();
        // First what could fail: from the moment the call is parked it is not the caller's any more.
        var state = Seal(call, id, exchange.Questions!.Asked);
        exchange.Unfollow();
        lot.Add(id, new ParkedCall(exchange, lease, Limits(call)));
        return state;
    }

    /// <summary>
    /// Keeps the session of a call that a modern upstream wants again, with its own state: a child process may know only the state that it has
    /// given itself. Takes the lease over.
    /// </summary>
    public string Keep(GatewayCall call, SessionLease lease, ReadOnlyMemory<byte> upstreamState)
    {
        var id = NewId();
        var state = Seal(call, id, 1);
        lot.Add(id, new ParkedCall(null, lease, Limits(call)) { UpstreamState = upstreamState });
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

    /// <summary>True when this gateway has sealed the state, and so nobody else can hold its call.</summary>
    public bool IsHere(RequestState state) => state.Owner == ledger.Owner;

    /// <summary>Takes a parked call, once; null when it is another gateway's, has been taken, or given up.</summary>
    public ParkedCall? Claim(RequestState state) => state.Continuation is { } id && IsHere(state) ? lot.Take(id) : null;

    private static string NewId() => RandomNumberGenerator.GetHexString(32, lowercase: true);

    private static ParkLimits Limits(GatewayCall call) => new(call.Upstream.Name, call.Key.Principal, call.Upstream.Config.Pool.InputTimeout, call.Upstream.Config.Pool.ParkedAtMost) { Left = call.Upstream.Left };

    private string Seal(GatewayCall call, string? id, int round) => new RequestState(
        id, ledger.Owner, round, call.Key.Principal, RequestState.DigestOf(call), call.Upstream.Name, call.Upstream.Config.Fingerprint, time.GetUtcNow() + call.Upstream.Config.Pool.InputTimeout).Seal(keys);
}
