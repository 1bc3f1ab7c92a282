using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Security.Cryptography;
using McpGateway.Upstreams;
using McpGateway.Upstreams.Links;

namespace McpGateway.Sessions.Ledger;

/// <summary>
/// This gateway's part in the ledger: the sessions it holds, under an owner id that no other process has or will have. No method
/// fails because the store does; what it would have told is then not told.
/// </summary>
internal sealed class GatewayLedger(OwnerFile owner, ISessionLedger sessions, IEraLedger eras, SealingKeys keys, LedgerTimes times, TimeProvider time, ILogger<GatewayLedger> logger) : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, SessionRecord> _records = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _unknownKeys = new(StringComparer.Ordinal);

    /// <summary>Entries that the store may hold as this gateway's without a record here, since an answer was lost, as they are to be given back. While this gateway lives nobody else could have them.</summary>
    private readonly ConcurrentDictionary<string, LedgerEntry> _doubtful = new(StringComparer.Ordinal);
    private readonly LedgerHealth _health = new(time, logger);
    private readonly ParkedPins _pins = new(logger);
    private readonly SemaphoreSlim _looking = new(1);
    private readonly SemaphoreSlim _claiming = new(1);

    /// <summary>Unique per start of a process.</summary>
    public string Owner => owner.Owner;

    public LedgerTimes Times => times;

    /// <summary>True when the store has answered for so long that whoever lives has said so.</summary>
    public bool IsSettled => _health.HasAnsweredFor(times.Owner);

    public Task<EraMemory?> FindEraAsync(string upstream, string fingerprint, CancellationToken cancellationToken) =>
        _health.TryAsync(() => eras.FindAsync(upstream, fingerprint, cancellationToken), null);

    public Task SaveEraAsync(string upstream, string fingerprint, EraMemory memory, CancellationToken cancellationToken) =>
        _health.TryAsync(() => Done(eras.SaveAsync(upstream, fingerprint, memory, cancellationToken)), false);

    public Task ForgetEraAsync(string upstream, CancellationToken cancellationToken) =>
        _health.TryAsync(() => Done(eras.ForgetAsync(upstream, cancellationToken)), false);

    /// <summary>Writes down a session that was just opened; null when it cannot be resumed by its nature.</summary>
    public async Task<SessionRecord?> RecordAsync(UpstreamConfig config, SessionProfile profile, UpstreamLink link, ServerProfile server)
    {
        if (link.ResumableId is not { } id) return null;
        var entry = new LedgerEntry
        {
            Id = RandomNumberGenerator.GetHexString(32, lowercase: true),
            Upstream = config.Name,
            Fingerprint = config.Fingerprint,
            Owner = Owner,
            Sealed = "",
            OpenedAt = time.GetUtcNow(),
        };
        var record = new SessionRecord(this, entry, new SessionSecret(id, config.Url!, server, profile.ToString(), IsUsed: false, Principal: null), isStored: false);
        _records[entry.Id] = record;
        if (!_health.IsLost) await record.StoreAsync();
        return record;
    }

    /// <summary>Claims a session of this upstream and profile that can go on; null when there is none.</summary>
    public async Task<SessionRecord?> ClaimAsync(UpstreamConfig config, SessionProfile profile, CancellationToken cancellationToken)
    {
        foreach (var entry in await ListClaimableAsync(config.Name, cancellationToken))
        {
            if (!MayResume(entry, config, profile) || await ClaimAsync(entry, cancellationToken) is not { } record) continue;
            if (record.Secret.IsResumable) return record;
            // Its owner, taken for dead, has just given it to a caller. The reaper ends it.
            await record.ReturnAsync(DateTimeOffset.UnixEpoch);
        }

        return null;
    }

    /// <summary>Whether a session waits for this key, as of the last look at the store, which is not asked.</summary>
    public bool IsParked(UpstreamConfig config, SessionKey key) => _pins.Has(config, key);

    /// <summary>Claims the session that was parked for this key; null when there is none any more.</summary>
    public async Task<SessionRecord?> ClaimParkedAsync(UpstreamConfig config, SessionKey key, CancellationToken cancellationToken)
    {
        // With two, of two gateways that stopped, the one that was opened later holds what the caller did last.
        foreach (var entry in (await ListClaimableAsync(config.Name, cancellationToken)).Reverse())
        {
            if (!IsParkedNow(entry) || entry.Fingerprint != config.Fingerprint || Open(entry)?.BelongsTo(key) != true) continue;
            if (await ClaimAsync(entry, cancellationToken) is { } record) return record;
        }

        return null;
    }

    /// <summary>Entries whose owner is dead or has parked them, sealed with a key known here.</summary>
    public async Task<ImmutableArray<LedgerEntry>> ListClaimableAsync(string? upstream, CancellationToken cancellationToken)
    {
        // One look at a time: what an earlier one saw must not replace what a later one did.
        await _looking.WaitAsync(cancellationToken);
        try
        {
            await SayWhoIsDeadAsync(cancellationToken);
            var known = KnownOf(await _health.TryAsync(() => sessions.ListClaimableAsync(upstream, cancellationToken), []));
            _pins.Replace(upstream, known.Where(IsParkedNow).Select(entry => ParkedPin.Of(entry, Open(entry))).OfType<ParkedPin>());
            return known;
        }
        finally
        {
            _looking.Release();
        }
    }

    /// <summary>True when the session fits the configuration, is young enough, holds nothing of anybody else's and waits for nobody.</summary>
    /// <param name="entry">Its entry.</param>
    /// <param name="config">Its upstream's configuration; null when there is no such upstream any more.</param>
    /// <param name="profile">What it must have been opened as; null where that does not matter.</param>
    public bool MayResume(LedgerEntry entry, UpstreamConfig? config, SessionProfile? profile = null) =>
        entry.Fingerprint == config?.Fingerprint
        && (entry.ParkedUntil is null || IsParkedNow(entry))
        && time.GetUtcNow() - entry.OpenedAt < config.Pool.MaxLifetime
        && Open(entry) is { IsResumable: true, Affinity: null } secret
        && (profile is null || secret.Profile == profile.ToString());

    /// <summary>Makes an entry this gateway's; null when another was faster. One that does not open is dropped.</summary>
    public Task<SessionRecord?> ClaimAsync(LedgerEntry entry, CancellationToken cancellationToken) =>
        InTurnAsync(() => ClaimNeedsTurnAsync(entry, cancellationToken), cancellationToken);

    /// <summary>Says that this gateway lives and what it holds; writes what could not be written before, lets go of what was lost, and looks whose sessions wait.</summary>
    public async Task HeartbeatAsync(CancellationToken cancellationToken)
    {
        var held = _records.Values.Where(record => record.IsToRenew).ToArray();
        var lost = await _health.AskAsync(async () => await sessions.RenewAsync(Owner, [.. held.Select(record => record.Entry)], cancellationToken), null!);
        if (lost is null) return;
        foreach (var record in held) await record.RenewedAsync(lost.TryGetValue(record.Entry.Id, out var loss) ? loss : null);
        foreach (var record in _records.Values) await record.StoreAsync();
        await GiveBackDoubtfulAsync();
        await ListClaimableAsync(null, cancellationToken);
    }

    public string Seal(SessionSecret secret, LedgerEntry entry) => keys.Seal(secret.ToBytes(), entry.Binding);

    public Task<bool> StoreAsync(LedgerEntry entry) => _health.TryAsync(() => Done(sessions.RecordAsync(entry, CancellationToken.None)), false);

    /// <summary>False when another gateway owns the entry; null when the store does not say.</summary>
    public Task<bool?> RewriteAsync(LedgerEntry entry) => _health.TryAsync(async () => (bool?)await sessions.RewriteAsync(entry, CancellationToken.None), null);

    public Task<bool> ForgetAsync(LedgerEntry entry) => _health.TryAsync(() => sessions.ForgetAsync(entry, CancellationToken.None), false);

    /// <summary>Has an entry given back as it is written here, at a heartbeat, because nobody here holds it and the store did not say whether it is.</summary>
    public void Doubt(LedgerEntry entry) => _doubtful[entry.Id] = entry;

    public void Remove(SessionRecord record) => _records.TryRemove(record.Entry.Id, out _);

    /// <summary>After the last session is closed or parked.</summary>
    public async ValueTask DisposeAsync()
    {
        await _health.TryAsync(() => Done(sessions.LeaveAsync(Owner, CancellationToken.None)), false);
        _looking.Dispose();
        _claiming.Dispose();
    }

    /// <summary>Ends the owners of this directory whose process has ended, so that what they held can be claimed now. What one of them may still have sent is fenced as ever.</summary>
    private async Task SayWhoIsDeadAsync(CancellationToken cancellationToken)
    {
        foreach (var dead in owner.FindDead())
        {
            if (!await _health.TryAsync(() => Done(sessions.LeaveAsync(dead, cancellationToken)), false)) return;
            owner.Forget(dead);
            logger.OwnerDead(dead);
        }
    }

    private async Task<SessionRecord?> ClaimNeedsTurnAsync(LedgerEntry entry, CancellationToken cancellationToken)
    {
        if (_doubtful.ContainsKey(entry.Id) || await _health.TryAsync(() => AskClaimAsync(entry, cancellationToken), null) is not { } claimed) return null;
        if (Open(claimed) is not { } secret)
        {
            logger.EntryDropped(entry.Upstream, "its seal does not open: it was changed, moved, or sealed with another key of the same id");
            await ForgetAsync(claimed);
            return null;
        }

        return _records[claimed.Id] = new SessionRecord(this, claimed, secret, isStored: true)
        {
            Origin = entry.ParkedUntil is null ? "its gateway is dead" : "parked by a gateway that stopped",
            WasParkedUntil = entry.ParkedUntil,
        };
    }

    /// <summary>A claim that is given up or gets no answer may have been made all the same.</summary>
    private async Task<LedgerEntry?> AskClaimAsync(LedgerEntry entry, CancellationToken cancellationToken)
    {
        try
        {
            return await sessions.ClaimAsync(entry, Owner, cancellationToken);
        }
        catch
        {
            // Over at once: what was sealed meanwhile is not known, so that nobody may go on with it.
            Doubt(entry with { Owner = Owner, Epoch = entry.Epoch + 1, ParkedUntil = DateTimeOffset.UnixEpoch });
            throw;
        }
    }

    /// <summary>The fence says which of them are this gateway's.</summary>
    private async Task GiveBackDoubtfulAsync()
    {
        foreach (var pair in _doubtful)
        {
            await InTurnAsync(async () => await RewriteAsync(pair.Value) is not null && _doubtful.TryRemove(pair), CancellationToken.None);
        }
    }

    /// <summary>One claim at a time, and none while an entry is given back: a claim that is made again after a lost answer carries the same fence as what is given back.</summary>
    private async Task<T> InTurnAsync<T>(Func<Task<T>> work, CancellationToken cancellationToken)
    {
        await _claiming.WaitAsync(cancellationToken);
        try
        {
            return await work();
        }
        finally
        {
            _claiming.Release();
        }
    }

    /// <summary>Those sealed with a key known here; the keys of the others are named once each.</summary>
    private ImmutableArray<LedgerEntry> KnownOf(IReadOnlyList<LedgerEntry> entries)
    {
        foreach (var key in entries.Where(entry => !keys.Knows(entry.Sealed)).Select(entry => entry.Sealed.Split('.')[0]).Distinct(StringComparer.Ordinal))
        {
            if (_unknownKeys.TryAdd(key, true)) logger.KeyUnknown(key.Length <= 32 ? key : "(none)");
        }

        return [.. entries.Where(entry => keys.Knows(entry.Sealed))];
    }

    private bool IsParkedNow(LedgerEntry entry) => entry.ParkedUntil is { } until && until > time.GetUtcNow();

    private SessionSecret? Open(LedgerEntry entry)
    {
        try
        {
            return SessionSecret.FromBytes(keys.Open(entry.Sealed, entry.Binding));
        }
        catch (SealBrokenException)
        {
            return null;
        }
    }

    private static async Task<bool> Done(Task work)
    {
        await work;
        return true;
    }
}
