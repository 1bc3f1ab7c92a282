namespace McpGateway.Sessions;

/// <summary>
/// Stops asking an upstream that does not open. Counts failed opens in a row; from the third on, or at once when the upstream
/// refuses the credential or asks to wait, callers fail immediately until the next attempt is due. Errors of tools do not count.
/// </summary>
internal sealed class Breaker(TimeProvider time, Random jitter)
{
    private const int Threshold = 3;

    private static readonly TimeSpan s_first = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(30);

    /// <summary>Nobody here may hear of it when the session in the way goes, of a stranger or of another gateway, and asking costs the upstream no session.</summary>
    private static readonly TimeSpan s_longestBesideAnother = TimeSpan.FromSeconds(5);

    /// <summary>What callers are told at most then: it may go at any moment, and the next handshake comes at once where it is heard of.</summary>
    private static readonly TimeSpan s_againBesideAnother = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan s_longestAsked = TimeSpan.FromHours(1);
    private static readonly TimeSpan s_unauthorized = TimeSpan.FromMinutes(5);

    private readonly Lock _lock = new();
    private int _failures;
    private UpstreamException? _last;
    private DateTimeOffset _lastAt;
    private DateTimeOffset _retryAt;

    /// <summary>When the next open may be tried.</summary>
    public DateTimeOffset RetryAt { get { lock (_lock) return _retryAt; } }

    public UpstreamException? LastFailure { get { lock (_lock) return _last; } }

    public DateTimeOffset LastFailureAt { get { lock (_lock) return _lastAt; } }

    /// <summary>What keeps handshakes waiting that are wanted and could be made, for those who wait; null for nothing. Written by the opener.</summary>
    public string? HeldBack { get; set; }

    public bool IsOpen { get { lock (_lock) return IsOpenNeedsLock(); } }

    /// <summary>Counts a failed open and says how long to wait before the next.</summary>
    public TimeSpan RecordFailure(UpstreamException failure)
    {
        lock (_lock)
        {
            var now = time.GetUtcNow();
            _failures++;
            (_last, _lastAt) = (failure, now);
            var delay = DelayNeedsLock(failure);
            _retryAt = now + delay;
            return delay;
        }
    }

    public void RecordSuccess()
    {
        lock (_lock) (_failures, _last, _retryAt) = (0, null, default);
    }

    /// <summary>Lets the next open be tried now, if the last one failed because of a session that may be gone.</summary>
    /// <returns>Whether it did.</returns>
    public bool Reconsider()
    {
        lock (_lock)
        {
            if (_last is not { Kind: FailureKind.OneSession }) return false;
            _retryAt = default;
            return true;
        }
    }

    /// <summary>Lets the next open be tried now, since an operator wants it, unless the upstream itself asked for the pause.</summary>
    /// <returns>Whether it did.</returns>
    public bool Hasten()
    {
        lock (_lock)
        {
            if (_last is not { RetryAfter: null }) return false;
            _retryAt = default;
            return true;
        }
    }

    /// <exception cref="UpstreamException">The breaker is open: carries the reason and when to try again.</exception>
    public void ThrowIfOpen()
    {
        lock (_lock)
        {
            if (!IsOpenNeedsLock()) return;
            var wait = _retryAt - time.GetUtcNow();
            throw new UpstreamException(_last!.Kind == FailureKind.Unauthorized ? FailureKind.Unauthorized : FailureKind.Unreachable,
                _last.Message, _last, _last.Kind == FailureKind.OneSession && wait > s_againBesideAnother ? s_againBesideAnother : wait);
        }
    }

    private bool IsOpenNeedsLock() =>
        _last is not null && (_failures >= Threshold || _last.Kind is FailureKind.Unauthorized or FailureKind.Throttled) && _retryAt > time.GetUtcNow();

    private TimeSpan DelayNeedsLock(UpstreamException failure)
    {
        if (failure.RetryAfter is { } asked) return asked < s_first ? s_first : asked > s_longestAsked ? s_longestAsked : asked;
        if (failure.Kind == FailureKind.Unauthorized) return s_unauthorized;
        var doubled = s_first * Math.Pow(2, Math.Min(_failures - 1, 10));
        var longest = failure.Kind == FailureKind.OneSession ? s_longestBesideAnother : s_longest;
        var delay = doubled < longest ? doubled : longest;
        // Half to whole: replicas that failed together do not come back together.
        return delay * (0.5 + (0.5 * jitter.NextDouble()));
    }
}
