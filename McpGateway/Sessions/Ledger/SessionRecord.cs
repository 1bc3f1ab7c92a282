using System.Diagnostics.CodeAnalysis;

namespace McpGateway.Sessions.Ledger;

/// <summary>
/// A session's entry as its owner sees it. Invariants: one write at a time; before this gateway's first caller gets a session, the
/// store either knows that it is used or has never heard of it, so that after a crash, which may come in the middle of a call, no
/// gateway hands it on; a record that has ended (forgotten, parked, taken) writes nothing more.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "A semaphore whose wait handle nobody takes holds nothing to dispose of.")]
internal sealed class SessionRecord
{
    private readonly GatewayLedger _ledger;
    private readonly SemaphoreSlim _writing = new(1);
    private LedgerEntry _entry;
    private SessionSecret _secret;
    private volatile Stored _stored;
    private volatile bool _used;
    private volatile bool _ended;

    public SessionRecord(GatewayLedger ledger, LedgerEntry entry, SessionSecret secret, bool isStored)
    {
        // Parked with its principal's name it can be claimed: what the store is to know is that it is in use again.
        var used = secret.IsUsed && secret.Principal is null;
        (_ledger, _entry, _secret, _used, _stored) = (ledger, entry, secret, used, isStored ? Stored.Yes : Stored.No);
    }

    private enum Stored
    {
        No,

        /// <summary>Written without an answer: the store may hold it.</summary>
        Perhaps,

        Yes,
    }

    public LedgerEntry Entry => Volatile.Read(ref _entry);

    public SessionSecret Secret => Volatile.Read(ref _secret);

    /// <summary>Where a resumed session comes from, for people; null for one that this gateway opened.</summary>
    public string? Origin { get; init; }

    /// <summary>True when the entry is to be renewed: the store may hold it, and its session is one of ours and not claimed only to be tried or ended, which must not make an entry live for ever.</summary>
    public bool IsToRenew => _stored != Stored.No && (Origin is null || Session is not null);

    /// <summary>Until when it was parked before this gateway claimed it; null when it was not.</summary>
    public DateTimeOffset? WasParkedUntil { get; init; }

    /// <summary>True until this gateway's first caller: if it died now, another could go on with the session.</summary>
    public bool IsFree => !_used;

    /// <summary>The live session; null until it is verified.</summary>
    public UpstreamSession? Session { get; set; }

    /// <summary>Notes that a caller is about to get the session; false when that cannot be noted, and the caller must not get it.</summary>
    public Task<bool> BeginUseAsync() => WriteAsync(async () =>
    {
        if (_used) return true;
        var used = _secret with { IsUsed = true, Principal = null, Affinity = null, IsOfSession = false };
        var may = _stored switch
        {
            Stored.No => true,
            Stored.Perhaps => false,
            _ => await RewriteAsync(used, null),
        };
        if (may) (_secret, _used) = (used, true);
        return may;
    });

    /// <summary>Leaves the session to the next gateway; false when it must be ended instead.</summary>
    /// <param name="principal">The only one whom the session may go on serving; null when nobody has used it, or use leaves nothing.</param>
    /// <param name="until">When it is to be ended after all.</param>
    /// <param name="pin">Whose own session it is; null for one that may go to any caller of its principal.</param>
    public Task<bool> ParkAsync(string? principal, DateTimeOffset until, SessionKey? pin = null) => WriteAsync(async () =>
    {
        var parked = _secret with { IsUsed = principal is not null, Principal = principal, Affinity = pin?.Affinity, IsOfSession = pin is { IsOfSession: true } };
        if (_stored != Stored.Yes || !await RewriteAsync(parked, until)) return false;
        End();
        return true;
    });

    /// <summary>Gives a claimed entry back as it was; the session at the upstream is not touched.</summary>
    public Task<bool> ReturnAsync(DateTimeOffset until) => WriteAsync(async () =>
    {
        var returned = await RewriteAsync(_secret, until);
        if (!returned && !_ended) _ledger.Doubt(_entry with { Sealed = _ledger.Seal(_secret, _entry), ParkedUntil = until });
        End();
        // Whoever looked meanwhile did not see it, and its caller is about to come again.
        if (returned && _secret.Affinity is not null) await _ledger.ListClaimableAsync(_entry.Upstream, CancellationToken.None);
        return returned;
    });

    /// <summary>Removes the entry after the session has ended.</summary>
    public Task<bool> ForgetAsync() => WriteAsync(async () =>
    {
        End();
        return _stored == Stored.No || await _ledger.ForgetAsync(_entry);
    });

    /// <summary>Writes the entry, unless it is written.</summary>
    public Task<bool> StoreAsync() => WriteAsync(StoreNeedsTurnAsync);

    /// <summary>Takes note of what a renewal found. In one turn with the write it may lead to, so that no caller comes in between.</summary>
    public Task<bool> RenewedAsync(LedgerLoss? loss) => WriteAsync(async () =>
    {
        if (loss == LedgerLoss.Taken)
        {
            Abandon();
            return false;
        }

        _stored = loss == LedgerLoss.Gone ? Stored.No : Stored.Yes;
        return await StoreNeedsTurnAsync();
    });

    private async Task<bool> StoreNeedsTurnAsync()
    {
        if (_stored != Stored.No) return true;
        _entry = _entry with { Sealed = _ledger.Seal(_secret, _entry) };
        _stored = Stored.Perhaps;
        if (await _ledger.StoreAsync(_entry)) _stored = Stored.Yes;
        return _stored == Stored.Yes;
    }

    private async Task<bool> RewriteAsync(SessionSecret secret, DateTimeOffset? parkedUntil)
    {
        var next = _entry with { Sealed = _ledger.Seal(secret, _entry), ParkedUntil = parkedUntil };
        switch (await _ledger.RewriteAsync(next))
        {
            case true:
                (_entry, _secret) = (next, secret);
                return true;
            case false:
                Abandon();
                return false;
            default:
                return false;
        }
    }

    /// <summary>Another gateway owns the session now: it is not ours to end.</summary>
    private void Abandon()
    {
        End();
        if (Session is not { } session) return;
        session.Link.Leave();
        session.Break(CloseReason.TakenOver);
    }

    private void End()
    {
        _ended = true;
        _ledger.Remove(this);
    }

    private async Task<bool> WriteAsync(Func<Task<bool>> write)
    {
        await _writing.WaitAsync();
        try
        {
            return !_ended && await write();
        }
        finally
        {
            _writing.Release();
        }
    }
}
