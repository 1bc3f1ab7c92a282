namespace McpGateway.Sessions;

/// <summary>
/// The callers who wait for the session that a gateway which stopped has left to them. Invariants: one entry per key, from
/// <see cref="Want"/> until it is ended or, before it has begun, withdrawn; what has begun is ended by the opener, always.
/// </summary>
internal sealed class Adoptions
{
    private readonly Lock _lock = new();
    private readonly Dictionary<SessionKey, Adoption> _all = [];

    private int _waiting;
    private int _opening;

    /// <summary>Those not yet begun.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>Those under way.</summary>
    public int Opening => Volatile.Read(ref _opening);

    /// <summary>Asks the opener for the session of a key.</summary>
    /// <returns>The session; null when it turned out that there is none any more.</returns>
    public Task<UpstreamSession?> Want(SessionKey key)
    {
        lock (_lock)
        {
            if (_all.TryGetValue(key, out var there)) return there.Ended.Task;
            var added = new Adoption();
            _all.Add(key, added);
            _waiting++;
            return added.Ended.Task;
        }
    }

    /// <summary>Takes a key whose session is to be resumed now; <see cref="End"/> must follow.</summary>
    public SessionKey? TryBegin()
    {
        lock (_lock)
        {
            foreach (var (key, adoption) in _all)
            {
                if (adoption.HasBegun) continue;
                adoption.HasBegun = true;
                _waiting--;
                _opening++;
                return key;
            }

            return null;
        }
    }

    /// <summary>Says what became of it.</summary>
    public void End(SessionKey key, UpstreamSession? session, Exception? failure)
    {
        Adoption? adoption;
        lock (_lock)
        {
            if (!_all.Remove(key, out adoption)) return;
            _opening--;
        }

        if (failure is null) adoption.Ended.TrySetResult(session);
        else adoption.Ended.TrySetException(failure);
    }

    /// <summary>Gives up waiting; false when it has begun, and will end soon.</summary>
    public bool TryWithdraw(SessionKey key)
    {
        lock (_lock)
        {
            if (!_all.TryGetValue(key, out var adoption) || adoption.HasBegun) return false;
            _waiting--;
            return _all.Remove(key);
        }
    }

    private sealed class Adoption
    {
        public TaskCompletionSource<UpstreamSession?> Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool HasBegun { get; set; }
    }
}
