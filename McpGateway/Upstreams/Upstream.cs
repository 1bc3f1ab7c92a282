using McpGateway.Calls;
using McpGateway.Calls.Lists;
using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Sessions.Ledger;

namespace McpGateway.Upstreams;

/// <summary>
/// One configured upstream at run time: its sessions, its tools, and the opener, to which a <see cref="SessionSource"/> brings what is
/// opened. Whether it is drained, and what it was asked to have warm, belongs to it, so that both hold before the first handshake and
/// whatever kind of sessions follows.
/// </summary>
internal sealed class Upstream : IAsyncDisposable
{
    private readonly SessionSource _source;
    private readonly HttpMessageInvoker _http;
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
    private readonly CancellationTokenSource _leave = new();
    private TaskCompletionSource _looked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile UpstreamSessions? _sessions;
    private volatile bool _disposed;

    /// <summary>Callers that wait for the first session of all, when there is no pool yet to count them.</summary>
    private int _waitingFirst;

    public Upstream(UpstreamConfig config, GatewayOptions options, HttpMessageInvoker http, GatewayLedger ledger, ISessionPermits permits, PoolMetrics pools, CallMetrics calls, Action<SessionKey> onEvicted, TimeProvider time, ILogger logger)
    {
        (Config, _http, _time, _logger) = (config, http, time, logger);
        Meter = new PoolMeter(pools, config.Name, time);
        Calls = new CallMeter(calls, this, time);
        Timeline = new Timeline(time);
        Breaker = new Breaker(time, Random.Shared);
        Shadowed = new ShadowedNames(config.Name, Timeline, logger);
        _catalogues = new Catalogues(this, options.CatalogueTtl, time);
        _catalogues.Changed += list => ListChanged?.Invoke(list);
        _watcher = new ListWatcher(Timeline, profile => _catalogues.Of(profile).Renew(), time, Random.Shared);
        _source = new SessionSource(config, new UpstreamOpening(config, options, http, time, logger), http, ledger, permits, _catalogues, () => Counts, Timeline, time, logger);
        _source.EraDetected += _watcher.Reset;
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
            CountLongHandshakes = _opener.CountLong,
            IsParked = key => ledger.IsParked(config, key),
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
    public ServerProfile? Server => _source.Server;

    public EraMemory? Memory => _source.Memory;

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

    /// <summary>Cancelled when no request can reach the upstream any more: what waits for one here waits for nothing.</summary>
    public CancellationToken Left => _leave.Token;

    /// <summary>Notes that no request will come any more: the configuration has changed. Calls under way go on.</summary>
    public void Leave() => _leave.Cancel();

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
        _opener.Hasten();
        _opener.Request();
        Wake();
    }

    /// <summary>Replaces every session, and every handshake under way.</summary>
    public void Clear()
    {
        Timeline.Add("clear");
        _sessions?.Clear(CloseReason.Cleared);
        _opener.BeginAnew();
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
        if (Server is null) await WaitOpenedAsync(cancellationToken);
        return Server!;
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

    /// <inheritdoc cref="SessionSource.Forget"/>
    public void Forget(string reason) => _source.Forget(reason);

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
        profile == SessionProfile.Default || Config.Pool.Mode == PoolMode.Shared || _sessions is not SessionPool || Server is { Era: McpEra.Modern }
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
            var session = await _source.OpenAsync(profile, cancellationToken);
            Add(session, _time.GetElapsedTime(started));
            EndWithPermit(session);
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
            session = await _source.ResumeAsync(owner, cancellationToken);
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

    private void Wake()
    {
        Interlocked.Exchange(ref _looked, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
        _sessions?.WakeWaiters();
    }
}
