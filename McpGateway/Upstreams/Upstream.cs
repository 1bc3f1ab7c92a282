using McpGateway.Calls;
using McpGateway.Calls.Lists;
using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Sessions.Ledger;

namespace McpGateway.Upstreams;

/// <summary>
/// One configured upstream at run time: what is known of it, its sessions, its tools. Owns the opener; what is known of the
/// upstream is changed only by it, so that two handshakes cannot disagree. Whether it is drained, and what it was asked to have
/// warm, belongs to it too, so that both hold before the first handshake and whatever kind of sessions follows.
/// </summary>
internal sealed class Upstream : IAsyncDisposable
{
    private static long s_lastSession;

    private readonly UpstreamOpening _opening;
    private readonly HttpMessageInvoker _http;
    private readonly GatewayLedger _ledger;
    private readonly ISessionPermits _permits;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly SessionOpener _opener;
    private readonly OperatorDrain _drain;
    private readonly WarmHint _hint;
    private readonly PoolHost _host;
    private readonly Catalogues _catalogues;
    private readonly ListWatcher _watcher;
    private readonly Lock _adding = new();
    private readonly CancellationTokenSource _abandon = new();
    private TaskCompletionSource _looked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile UpstreamSessions? _sessions;
    private volatile EraMemory? _memory;
    private volatile ServerProfile? _server;
    private volatile bool _recalled;
    private volatile bool _disposed;

    /// <summary>Callers that wait for the first session of all, when there is no pool yet to count them.</summary>
    private int _waitingFirst;

    public Upstream(UpstreamConfig config, GatewayOptions options, HttpMessageInvoker http, GatewayLedger ledger, ISessionPermits permits, PoolMetrics pools, CallMetrics calls, Action<SessionKey> onEvicted, TimeProvider time, ILogger logger)
    {
        (Config, _http, _ledger, _permits, _time, _logger) = (config, http, ledger, permits, time, logger);
        _opening = new UpstreamOpening(config, options, http, time, logger);
        Meter = new PoolMeter(pools, config.Name, time);
        Calls = new CallMeter(calls, this, time);
        Timeline = new Timeline(time);
        Breaker = new Breaker(time, Random.Shared);
        Shadowed = new ShadowedNames(config.Name, Timeline, logger);
        _catalogues = new Catalogues(this, options.CatalogueTtl, time);
        _catalogues.Changed += list => ListChanged?.Invoke(list);
        _watcher = new ListWatcher(Timeline, profile => _catalogues.Of(profile).Renew(), time, Random.Shared);
        _drain = new OperatorDrain(config.Name);
        _hint = new WarmHint(config.Pool, time);
        _opener = new SessionOpener(config.Name, () => Need, OpenOneAsync, Wake, Breaker, new HandshakeBudget(config.Pool.HandshakesPerMinute, time), Meter, Timeline, time, logger);
        _host = new PoolHost
        {
            Upstream = config.Name,
            Options = config.Pool,
            Breaker = Breaker,
            Drain = _drain,
            Hint = _hint,
            Request = _opener.Request,
            IsParked = key => _ledger.IsParked(Config, key),
            OnEvicted = onEvicted,
            Meter = Meter,
            Timeline = Timeline,
            Time = time,
            Logger = logger,
        };
    }

    public UpstreamConfig Config { get; }

    public string Name => Config.Name;

    public Timeline Timeline { get; }

    public Breaker Breaker { get; }

    /// <summary>What the aggregate gives to another upstream.</summary>
    public ShadowedNames Shadowed { get; }

    /// <summary>What its pool measures.</summary>
    public PoolMeter Meter { get; }

    /// <summary>What its calls measure.</summary>
    public CallMeter Calls { get; }

    /// <summary>True when its callers share sessions: what one of them does not name, cannot be given to any.</summary>
    public bool IsShared => Config.Pool.Mode == PoolMode.Shared;

    /// <summary>What the last handshake said, of the default profile where there was one; null before the first.</summary>
    public ServerProfile? Server => _server;

    public EraMemory? Memory => _memory;

    public PoolCounts Counts
    {
        get
        {
            var counts = _sessions?.Counts ?? default;
            return counts with { Opening = _opener.Opening, Waiting = counts.Waiting + Volatile.Read(ref _waitingFirst) };
        }
    }

    /// <summary>Handshakes begun since it was loaded.</summary>
    public long Handshakes => _opener.Begun;

    /// <summary>How many more sessions are wanted now.</summary>
    public int Need => _sessions?.Need ?? (_disposed || _drain.IsOn ? 0 : 1);

    /// <summary>True while an operator has taken it out of use.</summary>
    public bool IsDrained => _drain.IsOn;

    /// <summary>What callers are told meanwhile.</summary>
    public string DrainSentence => _drain.Refusal().Message;

    /// <summary>How long calls have, once abandoned, to tell their upstreams and their clients.</summary>
    public static TimeSpan AbandonTime { get; } = TimeSpan.FromSeconds(3);

    /// <summary>Cancelled when calls under way are to end, whatever comes of them upstream.</summary>
    public CancellationToken Abandoned => _abandon.Token;

    /// <summary>Ends the calls under way before the upstream is closed under them: each that was sent with "outcome unknown", each that waits for a session with "did not run".</summary>
    public void AbandonCalls()
    {
        _drain.Abandon();
        _abandon.Cancel();
        Wake();
    }

    /// <summary>Begins to open sessions in the background.</summary>
    public void Start() => _opener.Start();

    /// <summary>True while it has no session here and refuses one because of another that is not this gateway's: a dead gateway's, or a stranger's.</summary>
    public bool IsRefusedBesideAnother => Need > 0 && Breaker.LastFailure is { Kind: FailureKind.OneSession };

    /// <summary>Says that a session of a gateway before can be gone on with, or is gone: if it was in the way, the next handshake need not wait.</summary>
    public void Reconsider() => _opener.Reconsider();

    /// <summary>Takes a verified session; waits while the first one is being opened.</summary>
    /// <exception cref="UpstreamException">There is none to be had.</exception>
    public ValueTask<SessionLease> LeaseAsync(SessionKey key, CancellationToken cancellationToken) =>
        Meter.MeasuresLeases ? LeaseMeasuredAsync(key, cancellationToken) : LeaseUnmeasuredAsync(key, cancellationToken);

    /// <summary>Closes what belongs to a client that has left.</summary>
    public async ValueTask ReleaseAsync(SessionKey key)
    {
        if (_sessions is not { } sessions) return;
        await sessions.ReleaseAsync(key);
        // Where profiles made no difference it was leased as the default one.
        if (key.Profile != SessionProfile.Default) await sessions.ReleaseAsync(key with { Profile = SessionProfile.Default });
    }

    /// <summary>Raised with the notification that says which list has changed. Must not block.</summary>
    public event Action<McpMethod>? ListChanged;

    /// <summary>What of a client's capabilities this upstream may know of: roots only where the operator says so, and no other client comes after.</summary>
    public ClientCapabilities Allow(ClientCapabilities capabilities) => Config.Roots && Config.Pool.Mode is not (PoolMode.Exclusive or PoolMode.Shared)
        ? capabilities
        : capabilities & ~(ClientCapabilities.Roots | ClientCapabilities.RootsListChanged);

    /// <summary>What it lists, as a client of this profile sees it.</summary>
    public Catalogue CatalogueOf(SessionProfile profile) => _catalogues.Of(Effective(profile));

    /// <summary>What to list for a client of this profile now: until the first session of its kind has listed it, what others see.</summary>
    public Catalogue ListedFor(SessionProfile profile, ListKind kind) => CatalogueOf(profile) is { } own && own[kind] is not null ? own : _catalogues.Default;

    /// <summary>The session of a profile on which its upstream tells of changes; null while there is none.</summary>
    public UpstreamSession? ListenedTo(SessionProfile profile) => _watcher.Find(profile);

    /// <summary>Says that a client of this profile is there and will call.</summary>
    public void Expect(SessionProfile profile) => _sessions?.Expect(Effective(profile));

    /// <summary>Announces a need for that many unused sessions; takes a drained upstream back.</summary>
    public void Warm(int count)
    {
        Timeline.Add("warm", $"{count} sessions asked for");
        _hint.Give(count);
        _drain.End();
        _opener.Request();
        Wake();
    }

    /// <summary>Replaces every session.</summary>
    public void Clear()
    {
        Timeline.Add("clear");
        _sessions?.Clear(CloseReason.Cleared);
    }

    /// <summary>Takes the upstream out of use, without breaking what runs, until it is warmed again.</summary>
    public void Drain()
    {
        Timeline.Add("drain");
        _drain.Begin();
        _sessions?.Clear(CloseReason.Drained);
        Wake();
    }

    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        if (_sessions is not { } sessions) return;
        await sessions.SweepAsync(cancellationToken);
        if (!_drain.IsOn) _watcher.Tend(sessions.All);
    }

    /// <summary>Waits until the first handshake has been made.</summary>
    /// <exception cref="UpstreamException">It fails, or takes too long.</exception>
    public async Task<ServerProfile> KnowAsync(CancellationToken cancellationToken)
    {
        if (_server is null) await WaitOpenedAsync(cancellationToken);
        return _server!;
    }

    /// <summary>Waits until there is a list for a client of this profile: its own, or what others see if a session of its kind cannot be had.</summary>
    /// <exception cref="UpstreamException">Nothing is known of the upstream, and it does not open.</exception>
    public async Task KnowAsync(SessionProfile profile, ListKind kind, CancellationToken cancellationToken)
    {
        var server = await KnowAsync(cancellationToken);
        if (!server.Has(kind.Capability) || CatalogueOf(profile) is not { } own || own[kind] is not null) return;
        try
        {
            await own.KnowAsync(cancellationToken);
        }
        catch (UpstreamException exception) when (_catalogues.Default[kind] is not null)
        {
            Timeline.Add("catalogue not read", $"for {profile}: {exception.Message}");
        }
    }

    /// <summary>Forgets how the upstream speaks, after it has stopped speaking so; the next handshake finds out anew.</summary>
    public void Forget(string reason)
    {
        if (Interlocked.Exchange(ref _memory, null) is null) return;
        _ = _ledger.ForgetEraAsync(Name, CancellationToken.None);
        Timeline.Add("era forgotten", reason);
        _logger.EraForgotten(Name, reason);
    }

    /// <summary>Before a disposal: leaves what can be resumed to the next gateway.</summary>
    public async Task ParkAsync(DateTimeOffset until)
    {
        _disposed = true;
        await _opener.DisposeAsync();
        if (_sessions is { } sessions) await sessions.ParkAsync(until);
    }

    public async ValueTask DisposeAsync()
    {
        _disposed = true;
        await _opener.DisposeAsync();
        Wake();
        if (_sessions is { } sessions) await sessions.DisposeAsync();
        _http.Dispose();
    }

    /// <summary>The profile by which its sessions are told apart: one for all where they are shared, or where no handshake fixes anything.</summary>
    private SessionProfile Effective(SessionProfile profile) =>
        profile == SessionProfile.Default || Config.Pool.Mode == PoolMode.Shared || _sessions is not SessionPool || _server is { Era: McpEra.Modern }
            ? SessionProfile.Default
            : SessionProfile.Of(profile.Version, Allow(profile.Capabilities));

    private ValueTask<SessionLease> LeaseUnmeasuredAsync(SessionKey key, CancellationToken cancellationToken)
    {
        if (_drain.IsOn) return ValueTask.FromException<SessionLease>(_drain.Refusal());
        return _sessions is { } sessions ? sessions.LeaseAsync(key with { Profile = Effective(key.Profile) }, cancellationToken) : LeaseFirstAsync(key, cancellationToken);
    }

    private async ValueTask<SessionLease> LeaseMeasuredAsync(SessionKey key, CancellationToken cancellationToken)
    {
        var missed = _sessions is { } sessions && !sessions.KeepsWarm(Effective(key.Profile));
        var started = _time.GetTimestamp();
        try
        {
            var lease = LeaseUnmeasuredAsync(key, cancellationToken);
            var waited = !lease.IsCompleted;
            var taken = await lease;
            Meter.Leased(missed ? "miss" : waited ? "waited" : "warm", _time.GetElapsedTime(started));
            return taken;
        }
        catch (UpstreamException)
        {
            Meter.Refused();
            throw;
        }
    }

    private async ValueTask<SessionLease> LeaseFirstAsync(SessionKey key, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _waitingFirst);
        try
        {
            await WaitOpenedAsync(cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _waitingFirst);
        }

        return await LeaseUnmeasuredAsync(key, cancellationToken);
    }

    private async Task WaitOpenedAsync(CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(Config.Pool.AcquireTimeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            while (true)
            {
                // Read before the state: a change in between completes the very task that is waited on.
                var looked = Volatile.Read(ref _looked).Task;
                if (_sessions is not null) return;
                _drain.ThrowIfOn();
                if (_disposed) throw new UpstreamException(FailureKind.Unreachable, $"Upstream '{Name}' was closed or changed. Try again.", retryAfter: TimeSpan.FromSeconds(1));
                Breaker.ThrowIfOpen();
                await looked.WaitAsync(either.Token);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            var last = Breaker.LastFailure;
            throw new UpstreamException(FailureKind.Unreachable,
                $"Upstream '{Name}' is still being opened after {Config.Pool.AcquireTimeout.TotalSeconds:0.#} s.{(last is null ? "" : $" Last failure: {last.Message}")}", last, TimeSpan.FromSeconds(1));
        }
    }

    /// <summary>Opens one session of what is wanted most; false when nothing is wanted any more.</summary>
    private async Task<bool> OpenOneAsync(CancellationToken cancellationToken)
    {
        // Before the first handshake there is nobody to ask, and whatever is found out, it is found out as the default.
        var sessions = _sessions;
        if (sessions?.TryBeginAdopting() is { } owner)
        {
            await AdoptAsync(sessions, owner, cancellationToken);
            return true;
        }

        if ((sessions is null ? SessionProfile.Default : sessions.TryBeginOpening()) is not { } profile) return false;
        var limited = false;
        try
        {
            var started = _time.GetTimestamp();
            var session = await InTimeAsync(token => PermittedAsync((held, inner) => ResumeOrOpenAsync(profile, held, inner), token), cancellationToken);
            Add(session!, _time.GetElapsedTime(started));
            EndWithPermit(session!);
        }
        catch (UpstreamException exception) when (exception.Kind == FailureKind.OneSession && (_sessions as SessionPool)?.TryLimit() is { } most)
        {
            // No failure: what there is is what there can be, and asking again would change nothing.
            Timeline.Add("limit found", $"{most} at once. {exception.Message}");
            limited = true;
        }
        finally
        {
            sessions?.EndOpening(profile);
        }

        // After its place was given up, so that those who relied on it look for another.
        if (limited) Wake();
        return true;
    }

    /// <summary>Goes on with the session that a gateway which stopped has left to this caller alone.</summary>
    private async Task AdoptAsync(UpstreamSessions sessions, SessionKey owner, CancellationToken cancellationToken)
    {
        var (session, failure) = ((UpstreamSession?)null, new UpstreamException(FailureKind.Unreachable, $"Upstream '{Name}' was closed or changed. Try again.", retryAfter: TimeSpan.FromSeconds(1)));
        try
        {
            var started = _time.GetTimestamp();
            session = await InTimeAsync(token => PermittedAsync((_, inner) => ResumeAsync(owner.Profile, owner, inner), token), cancellationToken);
            failure = null;
            if (session is not null) Announce(session, _time.GetElapsedTime(started));
        }
        catch (UpstreamException exception)
        {
            failure = exception;
            throw;
        }
        finally
        {
            sessions.EndAdopting(owner, session, failure);
            if (session is not null) EndWithPermit(session);
        }
    }

    /// <summary>Opens or resumes while no other gateway can: where <c>pool.max</c> is 1, with the permit, which the session then keeps.</summary>
    private async Task<UpstreamSession?> PermittedAsync(Func<bool, CancellationToken, Task<UpstreamSession?>> open, CancellationToken cancellationToken)
    {
        if (Config.Pool.Max != 1 || await _permits.TakeAsync(Name, cancellationToken) is not { } permit) return await open(false, cancellationToken);
        UpstreamSession? session = null;
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, permit.Lost);
        try
        {
            session = await open(true, either.Token);
            // An upstream that keeps no session has none to be the only one.
            if (session is { Link.KeepsSession: true }) session.Permit = permit;
            return session;
        }
        catch (OperationCanceledException exception) when (permit.Lost.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new UpstreamException(FailureKind.OneSession, $"Upstream '{Name}' was not opened: {CloseReason.PermitLost.Text}.", exception, TimeSpan.FromSeconds(1));
        }
        finally
        {
            if (session?.Permit is null) await permit.DisposeAsync();
        }
    }

    /// <summary>Opens one only where there is none to go on with, and room for it: with what dead gateways left the upstream has no more sessions than <c>pool.max</c>.</summary>
    private async Task<UpstreamSession?> ResumeOrOpenAsync(SessionProfile profile, bool isOnly, CancellationToken cancellationToken)
    {
        if (await ResumeAsync(profile, null, cancellationToken) is { } resumed) return resumed;
        var left = await ListLeftAsync(cancellationToken);
        var room = Math.Max(0, Config.Pool.Max - Counts.Total - Counts.Opening);
        await EndLeftAsync(isOnly ? left : left.Where(IsOfTheDead).SkipLast(room), cancellationToken);
        try
        {
            return await OpenVerifiedAsync(profile, cancellationToken);
        }
        catch (UpstreamException exception) when (exception.Kind == FailureKind.OneSession)
        {
            if (!await EndInTheWayAsync(cancellationToken)) throw;
            return await OpenVerifiedAsync(profile, cancellationToken);
        }
    }

    /// <summary>What other gateways left and no caller here can have. What another configuration opened is the reaper's, which knows where its credential may go.</summary>
    private async Task<LedgerEntry[]> ListLeftAsync(CancellationToken cancellationToken) =>
        [.. (await _ledger.ListClaimableAsync(Name, cancellationToken)).Where(entry => entry.Fingerprint == Config.Fingerprint)];

    private static bool IsOfTheDead(LedgerEntry entry) => entry.ParkedUntil is null;

    /// <summary>Ends what dead gateways left. Where that is nothing and there is no session here, one of those that wait for their callers too: else nobody would be served until its time is over.</summary>
    /// <returns>Whether any was ended.</returns>
    private async Task<bool> EndInTheWayAsync(CancellationToken cancellationToken)
    {
        var left = await ListLeftAsync(cancellationToken);
        return await EndLeftAsync(left.Where(IsOfTheDead), cancellationToken)
            || (Counts.Total == 0 && await EndLeftAsync(left.Where(static entry => !IsOfTheDead(entry)).Take(1), cancellationToken));
    }

    /// <returns>Whether any was ended.</returns>
    private async Task<bool> EndLeftAsync(IEnumerable<LedgerEntry> left, CancellationToken cancellationToken)
    {
        var ended = false;
        foreach (var entry in left)
        {
            if (await _ledger.ClaimAsync(entry, cancellationToken) is not { } record) continue;
            if (await SessionEnd.SendAsync(_http, record.Secret, Config, _time, cancellationToken) is { } failure)
            {
                _logger.OrphanLeft(Name, failure);
                await record.ReturnAsync(DateTimeOffset.UnixEpoch);
                continue;
            }

            await record.ForgetAsync();
            Timeline.Add("orphan ended", "it was in the way of another session");
            ended = true;
        }

        return ended;
    }

    /// <summary>Makes the session end when its permit is lost. Once the pool has it, which alone may close it.</summary>
    private void EndWithPermit(UpstreamSession session)
    {
        var pool = _sessions as SessionPool;
        session.Permit?.Lost.Register(() => _ = EndAsync(session, pool));
    }

    private static async Task EndAsync(UpstreamSession session, SessionPool? pool)
    {
        if (session.Permit is { MayBeAnothers: true } && session.Record is { } record)
        {
            // Found out too late, by a process that was paused: whoever has it now, or the reaper, ends it.
            session.Link.Leave();
            await record.ReturnAsync(DateTimeOffset.UnixEpoch);
        }

        pool?.Retire(session, CloseReason.PermitLost);
        await session.Link.DisposeAsync();
    }

    private async Task<T> InTimeAsync<T>(Func<CancellationToken, Task<T>> open, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(Config.Pool.OpenTimeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            return await open(either.Token);
        }
        catch (EraChangedException changed)
        {
            Forget(changed.Message);
            throw new UpstreamException(FailureKind.NotMcp, $"Upstream '{Name}' has changed: {changed.Message}.", changed);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new UpstreamException(FailureKind.TimedOut, $"The handshake did not end within {Config.Pool.OpenTimeout.TotalSeconds:0.#} s.", exception);
        }
    }

    private async Task<UpstreamSession> OpenVerifiedAsync(SessionProfile profile, CancellationToken cancellationToken)
    {
        if (!_recalled) (_memory, _recalled) = (_memory ?? await _ledger.FindEraAsync(Name, Config.Fingerprint, cancellationToken), true);
        var remembered = _memory is { } memory && memory.HoldsAt(_time.GetUtcNow()) ? memory : null;
        OpenedLink opened;
        try
        {
            opened = await _opening.OpenAsync(remembered, profile, cancellationToken);
        }
        // What a proxy says of a server that is just starting (502, 504) says nothing of how it speaks.
        catch (UpstreamException exception) when (remembered is not null && exception.Kind == FailureKind.NotMcp && exception.Status is not >= 500)
        {
            throw new EraChangedException(exception.Message);
        }

        // Before the probe: from the handshake on there is a session that a crash would leave behind.
        var record = await _ledger.RecordAsync(Config, profile, opened.Link, opened.Server);
        try
        {
            await VerifyAsync(opened, profile, Origin.New, cancellationToken);
            return await TakeInAsync(opened, profile, record);
        }
        catch
        {
            await opened.Link.DisposeAsync();
            if (record is not null) await record.ForgetAsync();
            throw;
        }
    }

    /// <summary>Goes on with a session that another gateway left, or lost by dying; null when there is none that lives.</summary>
    /// <param name="profile">What it must have been opened as.</param>
    /// <param name="owner">Whose own it must have been; null for one that was nobody's.</param>
    /// <param name="cancellationToken">Ends the attempt; the session is left as it was found.</param>
    private async Task<UpstreamSession?> ResumeAsync(SessionProfile profile, SessionKey? owner, CancellationToken cancellationToken)
    {
        while (await ClaimAsync(profile, owner, cancellationToken) is { } record)
        {
            var opened = _opening.Resume(record);
            try
            {
                await VerifyAsync(opened, profile, owner is null ? Origin.Resumed : Origin.Owned, cancellationToken);
                var session = await TakeInAsync(opened, profile, record);
                // Its owner waits for it, so that from now on it is in use.
                if (owner is not null && !await record.BeginUseAsync()) throw new UpstreamException(FailureKind.Unreachable, "The use of a session that was left cannot be written to the ledger.");
                return session;
            }
            catch (UpstreamException exception) when (exception.Kind is FailureKind.SessionLost or FailureKind.NotMcp or FailureKind.OutcomeUnknown)
            {
                Timeline.Add("session not resumed", exception.Message);
                _logger.SessionNotResumed(Name, exception.Message);
                await opened.Link.DisposeAsync();
                await record.ForgetAsync();
            }
            catch
            {
                // Nothing is known of the session: it is left as it was found.
                opened.Link.Leave();
                await opened.Link.DisposeAsync();
                var atLeast = _time.GetUtcNow() + Config.Pool.OpenTimeout;
                await record.ReturnAsync(record.WasParkedUntil is { } until && until > atLeast ? until : atLeast);
                throw;
            }
        }

        return null;
    }

    private Task<SessionRecord?> ClaimAsync(SessionProfile profile, SessionKey? owner, CancellationToken cancellationToken) =>
        owner is { } key ? _ledger.ClaimParkedAsync(Config, key, cancellationToken) : _ledger.ClaimAsync(Config, profile, cancellationToken);

    private async Task VerifyAsync(OpenedLink opened, SessionProfile profile, Origin origin, CancellationToken cancellationToken)
    {
        var catalogue = _catalogues.Of(profile);
        opened.Link.ListChanged += catalogue.Invalidate;
        opened.Link.HeardAgain += catalogue.Renew;
        // What one caller has done to his own session may show in its list, which is not everybody's.
        if (origin == Origin.Owned) await LinkCalls.ProbeAsync(opened.Link, cancellationToken);
        // The probe that makes a session leasable is the list everybody asks for first.
        else if (opened.Server.HasTools) await catalogue.FillAsync(opened.Link, opened.Server.Era, mayBeEmpty: origin == Origin.New, cancellationToken);
        else if (opened.Server.Era == McpEra.Legacy && await LinkCalls.PingAsync(opened.Link, Config.Pool.AcquireTimeout, _time) is { } reason) throw new UpstreamException(FailureKind.NotMcp, reason);
        if (origin != Origin.Owned) await catalogue.FillOthersAsync(opened.Link, opened.Server, cancellationToken);
    }

    private async Task<UpstreamSession> TakeInAsync(OpenedLink opened, SessionProfile profile, SessionRecord? record)
    {
        await RememberAsync(opened, profile);
        var age = record is null ? TimeSpan.Zero : _time.GetUtcNow() - record.Entry.OpenedAt;
        var session = new UpstreamSession(Interlocked.Increment(ref s_lastSession), opened.Link, opened.Server, _time.GetTimestamp())
        {
            Lifetime = (Config.Pool.MaxLifetime * (1 - (0.025 * Random.Shared.NextDouble()))) - age,
            KeepAlive = Config.Pool.KeepAlive * (1 - (0.1 * Random.Shared.NextDouble())),
            Profile = profile,
            Record = record,
            Principal = record?.Secret.Principal,
        };
        if (record is not null) record.Session = session;
        opened.Link.Stray += session.NoteStray;
        return session;
    }

    private async Task RememberAsync(OpenedLink opened, SessionProfile profile)
    {
        if (_server is null || profile == SessionProfile.Default) _server = opened.Server;
        if (_memory is { } memory && memory.Era == opened.Server.Era && memory.Transport == opened.Transport && memory.HoldsAt(_time.GetUtcNow())) return;
        _watcher.Reset();
        _memory = new EraMemory(opened.Server.Era, opened.Transport, _time.GetUtcNow());
        await _ledger.SaveEraAsync(Name, Config.Fingerprint, _memory, CancellationToken.None);
        Timeline.Add("era detected", $"{opened.Server.Version} over {opened.Transport}");
        _logger.EraDetected(Name, opened.Server.Version, opened.Transport.ToString());
    }

    private void Add(UpstreamSession session, TimeSpan took)
    {
        Announce(session, took);
        lock (_adding)
        {
            var before = _sessions;
            var fits = session.Link.KeepsSession ? before is SessionPool : before is SharedClient;
            if (!fits)
            {
                _sessions = session.Link.KeepsSession
                    ? new SessionPool(_host)
                    : new SharedClient(_host);
                if (before is not null) _ = before.DisposeAsync().AsTask();
            }

            _sessions!.Add(session);
        }

        _watcher.Offer(session);

        Wake();
    }

    private void Announce(UpstreamSession session, TimeSpan took)
    {
        if (session.Record?.Origin is { } origin)
        {
            Timeline.Add("session resumed", $"{origin}; in {took.TotalMilliseconds:0} ms");
            _logger.SessionResumed(session.Number, Name, took.TotalMilliseconds, origin);
        }
        else
        {
            Meter.Opened(took);
            Timeline.Add("session opened", $"in {took.TotalMilliseconds:0} ms");
            _logger.SessionOpened(session.Number, Name, took.TotalMilliseconds);
        }
    }

    /// <summary>Where a session comes from, and so how it is verified.</summary>
    private enum Origin
    {
        New,

        /// <summary>From a gateway before, and nobody's own.</summary>
        Resumed,

        /// <summary>From a gateway before, and one caller's own.</summary>
        Owned,
    }

    private void Wake()
    {
        Interlocked.Exchange(ref _looked, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
        _sessions?.WakeWaiters();
    }
}
