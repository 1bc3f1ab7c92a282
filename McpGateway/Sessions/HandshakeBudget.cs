namespace McpGateway.Sessions;

/// <summary>
/// How many handshakes an upstream with a rate limit may be asked for: a bucket of tokens, a few to begin with and then one after
/// the other, so that no minute sees more than the limit. Without a limit it always has one.
/// </summary>
/// <param name="perMinute">Handshakes a minute; 0 for any number.</param>
/// <param name="time">The clock.</param>
internal sealed class HandshakeBudget(int perMinute, TimeProvider time)
{
    /// <summary>What may go at once: with the tokens that come within the same minute no more than the limit.</summary>
    private readonly int _burst = perMinute > 3 ? 3 : 1;

    private readonly Lock _lock = new();
    private readonly long _start = time.GetTimestamp();
    private long _taken;

    /// <summary>When the last token came that is accounted for, from the start.</summary>
    private TimeSpan _filledAt;

    private double _tokens = perMinute > 3 ? 3 : 1;

    private TimeSpan PerToken => TimeSpan.FromMinutes(1) / Math.Max(1, perMinute - _burst);

    /// <summary>Handshakes that were begun.</summary>
    public long Taken => Volatile.Read(ref _taken);

    /// <summary>How long until the next may be begun; zero for now.</summary>
    public TimeSpan Wait
    {
        get
        {
            if (perMinute == 0) return TimeSpan.Zero;
            lock (_lock)
            {
                FillNeedsLock();
                return _tokens >= 1 ? TimeSpan.Zero : TimeSpan.FromTicks((long)Math.Ceiling((1 - _tokens) * PerToken.Ticks));
            }
        }
    }

    /// <summary>A handshake begins. Only after <see cref="Wait"/> was zero.</summary>
    public void Take()
    {
        Interlocked.Increment(ref _taken);
        if (perMinute == 0) return;
        lock (_lock)
        {
            FillNeedsLock();
            _tokens -= 1;
        }
    }

    private void FillNeedsLock()
    {
        var now = time.GetElapsedTime(_start);
        _tokens = Math.Min(_burst, _tokens + ((now - _filledAt) / PerToken));
        _filledAt = now;
    }
}
