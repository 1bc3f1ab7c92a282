namespace McpGateway.Sessions;

/// <summary>How many unused sessions somebody has said that will be wanted soon. Kept with the upstream, so that a hint may come before its first handshake.</summary>
internal sealed class WarmHint(PoolOptions options, TimeProvider time)
{
    private Hint _last = new(0, 0);

    /// <summary>Sessions to have open and unused: the configured minimum, or what was announced within the idle timeout.</summary>
    public int Target
    {
        get
        {
            var last = Volatile.Read(ref _last);
            return last.Count > options.MinIdle && time.GetElapsedTime(last.Since) < options.IdleTimeout ? last.Count : options.MinIdle;
        }
    }

    public void Give(int count) => Volatile.Write(ref _last, new Hint(Math.Min(count, options.Max), time.GetTimestamp()));

    private sealed record Hint(int Count, long Since);
}
