namespace McpGateway.Sessions.Ledger;

/// <summary>
/// Whether the ledger's store answers. While it does not, only the heartbeat asks it, so that neither a caller nor the opener
/// waits for it; its loss and its return are said once each.
/// </summary>
internal sealed class LedgerHealth(TimeProvider time, ILogger logger)
{
    private int _lost;
    private long _backAt = long.MinValue;

    public bool IsLost => Volatile.Read(ref _lost) != 0;

    /// <summary>True when it has answered for this long. After its return living owners need a moment to say that they live.</summary>
    public bool HasAnsweredFor(TimeSpan span) => !IsLost && (Volatile.Read(ref _backAt) is var at && (at == long.MinValue || time.GetElapsedTime(at) >= span));

    /// <summary>Asks the store; the fallback is the answer when it is lost.</summary>
    public Task<T> TryAsync<T>(Func<Task<T>> ask, T otherwise) => IsLost ? Task.FromResult(otherwise) : AskAsync(ask, otherwise);

    /// <summary>As <see cref="TryAsync{T}"/>, but asks even while it is lost, and so finds out that it is back.</summary>
    public async Task<T> AskAsync<T>(Func<Task<T>> ask, T otherwise)
    {
        try
        {
            var answer = await ask();
            if (!IsLost) return answer;
            Volatile.Write(ref _backAt, time.GetTimestamp());
            if (Interlocked.Exchange(ref _lost, 0) != 0) logger.LedgerBack();
            return answer;
        }
        catch (LedgerUnavailableException exception)
        {
            if (Interlocked.Exchange(ref _lost, 1) == 0) logger.LedgerLost(exception.Message);
            return otherwise;
        }
    }
}
