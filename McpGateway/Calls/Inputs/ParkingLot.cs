using System.Collections.Concurrent;
using McpGateway.Sessions;

namespace McpGateway.Calls.Inputs;

/// <summary>
/// Calls that wait for their client's answers, each with the session it holds. Invariants: whoever takes a call out, and only he, goes on
/// with it or ends it: the client's next try, its time limit, one more call than may wait, its upstream's leaving, or the gateway's end.
/// Calls come in one at a time, and make their room first, so that an upstream never has more of them than it may; so abandoned ones cannot use up its pool.
/// </summary>
internal sealed class ParkingLot(TimeProvider time, ILogger<ParkingLot> logger) : IAsyncDisposable
{
    private static readonly TimeSpan s_goodbye = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<string, ParkedCall> _calls = new(StringComparer.Ordinal);
    private readonly Lock _parking = new();
    private long _lastNumber;
    private volatile bool _isClosed;

    /// <summary>Calls that wait now.</summary>
    public int Count => _calls.Count;

    /// <summary>Takes a call over, with what it holds. At the upstream's limit another is given up for it.</summary>
    public void Add(string id, ParkedCall call)
    {
        call.Lease.Session.Park();
        call.Lease.CountFrom(time.GetTimestamp() + (long)(call.Limits.Patience.TotalSeconds * time.TimestampFrequency));
        ParkedCall? surplus;
        lock (_parking)
        {
            surplus = TakeSurplus(call);
            call.Number = ++_lastNumber;
            _calls[id] = call;
        }

        call.Timer = time.CreateTimer(_ => _ = GiveUpAsync(id, CloseReason.NotAnswered), null, call.Limits.Patience, Timeout.InfiniteTimeSpan);
        call.WithUpstream = call.Limits.Left.UnsafeRegister(_ => _ = GiveUpAsync(id, CloseReason.Shutdown), null);
        // It may have been taken between the lines; then nothing is left to end it for.
        if (!_calls.ContainsKey(id)) LetGo(call);
        else if (_isClosed) _ = GiveUpAsync(id, CloseReason.NotAnswered);
        if (surplus is not null) _ = GiveUpAsync(surplus, CloseReason.TooManyParked);
    }

    /// <summary>Takes a call, once; null when it has been taken, given up, or never was here.</summary>
    public ParkedCall? Take(string id)
    {
        if (!_calls.TryRemove(id, out var call)) return null;
        LetGo(call);
        call.Lease.Session.Unpark();
        call.Lease.CountFrom(time.GetTimestamp());
        return call;
    }

    /// <summary>Gives up all of them, and those that come from now on: the gateway takes no more requests that could go on with one.</summary>
    public Task GiveUpAllAsync()
    {
        _isClosed = true;
        return Task.WhenAll(_calls.Keys.Select(id => GiveUpAsync(id, CloseReason.NotAnswered)));
    }

    public async ValueTask DisposeAsync() => await GiveUpAllAsync();

    /// <summary>
    /// At the limit, takes the one that has waited longest, of the principal with the most of them, the newcomer counted: nobody takes the
    /// place of one who has fewer.
    /// </summary>
    private ParkedCall? TakeSurplus(ParkedCall newcomer)
    {
        while (true)
        {
            var others = _calls.Where(other => other.Value.Limits.Upstream == newcomer.Limits.Upstream).ToArray();
            if (others.Length < newcomer.Limits.Most) return null;
            var victim = others.GroupBy(static other => other.Value.Limits.Principal)
                .OrderByDescending(calls => calls.Count() + (calls.Key == newcomer.Limits.Principal ? 1 : 0))
                .ThenBy(static calls => calls.Min(static other => other.Value.Number))
                .First().MinBy(static other => other.Value.Number);
            // Taken by another meanwhile, it has made room too.
            if (Take(victim.Key) is { } call) return call;
        }
    }

    private static void LetGo(ParkedCall call)
    {
        call.Timer?.Dispose();
        // Not disposed: that would wait for the end of a call that is being given up.
        call.WithUpstream.Unregister();
    }

    private async Task GiveUpAsync(string id, CloseReason reason)
    {
        if (Take(id) is { } call) await GiveUpAsync(call, reason);
    }

    private async Task GiveUpAsync(ParkedCall call, CloseReason reason)
    {
        try
        {
            await call.GiveUpAsync(reason, s_goodbye, time);
        }
        catch (Exception exception)
        {
            // On a timer's thread it would end the gateway.
            logger.GiveUpFailed(exception);
        }
    }
}
