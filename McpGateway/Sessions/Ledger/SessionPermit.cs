using System.Diagnostics.CodeAnalysis;

namespace McpGateway.Sessions.Ledger;

/// <summary>
/// The right to have the only session of an upstream, for as long as it is renewed. Invariant: it is lost by this gateway's own clock
/// before the store lets another have it, because its time here runs from before the store was asked and is shorter than there.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "Disposed of by DisposeAsync; the source of Lost may still be looked at then, and holds nothing.")]
internal sealed class SessionPermit : IAsyncDisposable
{
    private readonly Func<SessionPermit, Task> _release;
    private readonly PermitTimes _times;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _lost = new();
    private readonly Lock _lock = new();
    private readonly ITimer _timer;
    private long _since;
    private bool _taken;
    private bool _ended;

    /// <param name="upstream">Whose session it is for.</param>
    /// <param name="value">What stands in the store.</param>
    /// <param name="since">Timestamp of before the store was asked.</param>
    /// <param name="times">How long it holds here and there.</param>
    /// <param name="release">Gives it back; called once.</param>
    /// <param name="time">The clock.</param>
    public SessionPermit(string upstream, string value, long since, PermitTimes times, Func<SessionPermit, Task> release, TimeProvider time)
    {
        (Upstream, Value, _since, _times, _release, _time) = (upstream, value, since, times, release, time);
        _timer = time.CreateTimer(_ => Look(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Look();
    }

    public string Upstream { get; }

    /// <summary>Owner and number: another permit of the same gateway has another one.</summary>
    public string Value { get; }

    /// <summary>Cancelled when the session must end because the permit was not renewed, or was found to be another's.</summary>
    public CancellationToken Lost => _lost.Token;

    /// <summary>True when another gateway may have the session by now, so that it is not this one's to end.</summary>
    public bool MayBeAnothers
    {
        get { lock (_lock) return _taken || _time.GetElapsedTime(_since) >= _times.InStore; }
    }

    /// <summary>Takes note of a renewal. One that comes after the time was over changes nothing.</summary>
    /// <param name="since">Timestamp of before the store was asked.</param>
    public void Renewed(long since)
    {
        lock (_lock)
        {
            if (!_lost.IsCancellationRequested) _since = since;
        }

        Look();
    }

    /// <summary>Takes note that the store has given it to another.</summary>
    public void Taken()
    {
        lock (_lock) _taken = true;
        Look();
    }

    public async ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            if (_ended) return;
            _ended = true;
        }

        await _timer.DisposeAsync();
        await _release(this);
    }

    /// <summary>Loses the permit when its time is over, or looks again when it will be.</summary>
    private void Look()
    {
        lock (_lock)
        {
            if (_ended || _lost.IsCancellationRequested) return;
            var left = _times.Here - _time.GetElapsedTime(_since);
            if (!_taken && left > TimeSpan.Zero)
            {
                // In whole milliseconds, rounded up: a timer cuts off the rest.
                _timer.Change(TimeSpan.FromMilliseconds(Math.Ceiling(left.TotalMilliseconds)), Timeout.InfiniteTimeSpan);
                return;
            }

            // Within the lock, so that no renewal comes in between; who listens is told outside of it.
            _ = _lost.CancelAsync();
        }
    }
}

/// <summary>How long a permit holds.</summary>
/// <param name="Here">Without a renewal, its gateway ends the session.</param>
/// <param name="InStore">Without a renewal, another gateway may have it. Longer, by the time an end may take; and longer than any sign of life of the gateway, so that whoever takes it can also take what a dead one held.</param>
internal sealed record PermitTimes(TimeSpan Here, TimeSpan InStore)
{
    /// <summary>A heartbeat comes at a third of the owner's time, and a sign of life may come up to that much after a renewal.</summary>
    public static PermitTimes Of(TimeSpan owner) => new(owner, owner * 4 / 3);
}
