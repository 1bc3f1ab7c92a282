using McpGateway.Calls;
using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Sessions.Ledger;

namespace McpGateway.Upstreams;

/// <summary>
/// Brings forth verified sessions of one upstream: goes on with one from the ledger, or opens one. Remembers how the upstream speaks
/// and what it said of itself: only an attempt to open changes that, one that comes from the opener, or a call that has found it wrong.
/// </summary>
internal sealed class SessionSource(
    UpstreamConfig config, UpstreamOpening opening, HttpMessageInvoker http, GatewayLedger ledger, ISessionPermits permits, Catalogues catalogues, Func<PoolCounts> counts, Timeline timeline, TimeProvider time, ILogger logger)
{
    private static long s_lastSession;

    private volatile EraMemory? _memory;
    private volatile ServerProfile? _server;
    private volatile bool _recalled;

    /// <summary>How the upstream speaks; null while that is to be found out.</summary>
    public EraMemory? Memory => _memory;

    /// <summary>What the last handshake said, of the default profile where there was one; null before the first.</summary>
    public ServerProfile? Server => _server;

    /// <summary>Raised when it was found out anew how the upstream speaks, before its first session is there.</summary>
    public event Action? EraDetected;

    /// <summary>Resumes a session that was nobody's own, or opens one.</summary>
    /// <param name="profile">What it is opened as.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="UpstreamException">It does not open.</exception>
    public async Task<UpstreamSession> OpenAsync(SessionProfile profile, CancellationToken cancellationToken) =>
        (await InTimeAsync(token => PermittedAsync(async (isOnly, inner) => await ResumeOrOpenAsync(profile, isOnly, inner), token), cancellationToken))!;

    /// <summary>Resumes the session that a gateway before has left to one caller; null when it is not there any more.</summary>
    /// <exception cref="UpstreamException">Nothing can be said of it now.</exception>
    public Task<UpstreamSession?> ResumeAsync(SessionKey owner, CancellationToken cancellationToken) =>
        InTimeAsync(token => PermittedAsync((_, inner) => ResumeAsync(owner.Profile, owner, inner), token), cancellationToken);

    /// <summary>Forgets how the upstream speaks, after it has stopped speaking so; the next handshake finds out anew.</summary>
    public void Forget(string reason)
    {
        if (Interlocked.Exchange(ref _memory, null) is null) return;
        _ = ledger.ForgetEraAsync(config.Name, CancellationToken.None);
        timeline.Add("era forgotten", reason);
        logger.EraForgotten(config.Name, reason);
    }

    /// <summary>Opens or resumes while no other gateway can: where <c>pool.max</c> is 1, with the permit, which the session then keeps.</summary>
    private async Task<UpstreamSession?> PermittedAsync(Func<bool, CancellationToken, Task<UpstreamSession?>> open, CancellationToken cancellationToken)
    {
        if (config.Pool.Max != 1 || await permits.TakeAsync(config.Name, cancellationToken) is not { } permit) return await open(false, cancellationToken);
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
            throw new UpstreamException(FailureKind.OneSession, $"Upstream '{config.Name}' was not opened: {CloseReason.PermitLost.Text}.", exception, TimeSpan.FromSeconds(1));
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
        var here = counts();
        var room = Math.Max(0, config.Pool.Max - here.Total - here.Opening);
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
        [.. (await ledger.ListClaimableAsync(config.Name, cancellationToken)).Where(entry => entry.Fingerprint == config.Fingerprint)];

    private static bool IsOfTheDead(LedgerEntry entry) => entry.ParkedUntil is null;

    /// <summary>Ends what dead gateways left. Where that is nothing and there is no session here, one of those that wait for their callers too: else nobody would be served until its time is over.</summary>
    /// <returns>Whether any was ended.</returns>
    private async Task<bool> EndInTheWayAsync(CancellationToken cancellationToken)
    {
        var left = await ListLeftAsync(cancellationToken);
        return await EndLeftAsync(left.Where(IsOfTheDead), cancellationToken)
            || (counts().Total == 0 && await EndLeftAsync(left.Where(static entry => !IsOfTheDead(entry)).Take(1), cancellationToken));
    }

    /// <returns>Whether any was ended.</returns>
    private async Task<bool> EndLeftAsync(IEnumerable<LedgerEntry> left, CancellationToken cancellationToken)
    {
        var ended = false;
        foreach (var entry in left)
        {
            if (await ledger.ClaimAsync(entry, cancellationToken) is not { } record) continue;
            if (await SessionEnd.SendAsync(http, record.Secret, config, time, cancellationToken) is { } failure)
            {
                logger.OrphanLeft(config.Name, failure);
                await record.ReturnAsync(DateTimeOffset.UnixEpoch);
                continue;
            }

            await record.ForgetAsync();
            timeline.Add("orphan ended", "it was in the way of another session");
            ended = true;
        }

        return ended;
    }

    private async Task<T> InTimeAsync<T>(Func<CancellationToken, Task<T>> open, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(config.Pool.OpenTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            return await open(either.Token);
        }
        catch (EraChangedException changed)
        {
            Forget(changed.Message);
            throw new UpstreamException(FailureKind.NotMcp, $"Upstream '{config.Name}' has changed: {changed.Message}.", changed);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new UpstreamException(FailureKind.TimedOut, $"The handshake did not end within {config.Pool.OpenTimeout.TotalSeconds:0.#} s.", exception);
        }
    }

    private async Task<UpstreamSession> OpenVerifiedAsync(SessionProfile profile, CancellationToken cancellationToken)
    {
        if (!_recalled) (_memory, _recalled) = (_memory ?? await ledger.FindEraAsync(config.Name, config.Fingerprint, cancellationToken), true);
        var remembered = _memory is { } memory && memory.HoldsAt(time.GetUtcNow()) ? memory : null;
        OpenedLink opened;
        try
        {
            opened = await opening.OpenAsync(remembered, profile, cancellationToken);
        }
        // What a proxy says of a server that is just starting (502, 504) says nothing of how it speaks.
        catch (UpstreamException exception) when (remembered is not null && exception.Kind == FailureKind.NotMcp && exception.Status is not >= 500)
        {
            throw new EraChangedException(exception.Message);
        }

        // Before the probe: from the handshake on there is a session that a crash would leave behind.
        var record = await ledger.RecordAsync(config, profile, opened.Link, opened.Server);
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
            var opened = opening.Resume(record);
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
                timeline.Add("session not resumed", exception.Message);
                logger.SessionNotResumed(config.Name, exception.Message);
                await opened.Link.DisposeAsync();
                await record.ForgetAsync();
            }
            catch
            {
                // Nothing is known of the session: it is left as it was found.
                opened.Link.Leave();
                await opened.Link.DisposeAsync();
                var atLeast = time.GetUtcNow() + config.Pool.OpenTimeout;
                await record.ReturnAsync(record.WasParkedUntil is { } until && until > atLeast ? until : atLeast);
                throw;
            }
        }

        return null;
    }

    private Task<SessionRecord?> ClaimAsync(SessionProfile profile, SessionKey? owner, CancellationToken cancellationToken) =>
        owner is { } key ? ledger.ClaimParkedAsync(config, key, cancellationToken) : ledger.ClaimAsync(config, profile, cancellationToken);

    private async Task VerifyAsync(OpenedLink opened, SessionProfile profile, Origin origin, CancellationToken cancellationToken)
    {
        var catalogue = catalogues.Of(profile);
        opened.Link.ListChanged += catalogue.Invalidate;
        opened.Link.HeardAgain += catalogue.Renew;
        // What one caller has done to his own session may show in its list, which is not everybody's.
        if (origin == Origin.Owned) await LinkCalls.ProbeAsync(opened.Link, cancellationToken);
        // The probe that makes a session leasable is the list everybody asks for first.
        else if (opened.Server.HasTools) await catalogue.FillAsync(opened.Link, opened.Server.Era, mayBeEmpty: origin == Origin.New, cancellationToken);
        else if (opened.Server.Era == McpEra.Legacy && await LinkCalls.PingAsync(opened.Link, config.Pool.AcquireTimeout, time) is { } reason) throw new UpstreamException(FailureKind.NotMcp, reason);
        if (origin != Origin.Owned) await catalogue.FillOthersAsync(opened.Link, opened.Server, cancellationToken);
    }

    private async Task<UpstreamSession> TakeInAsync(OpenedLink opened, SessionProfile profile, SessionRecord? record)
    {
        await RememberAsync(opened, profile);
        var age = record is null ? TimeSpan.Zero : time.GetUtcNow() - record.Entry.OpenedAt;
        var session = new UpstreamSession(Interlocked.Increment(ref s_lastSession), opened.Link, opened.Server, time.GetTimestamp())
        {
            Lifetime = (config.Pool.MaxLifetime * (1 - (0.025 * Random.Shared.NextDouble()))) - age,
            KeepAlive = config.Pool.KeepAlive * (1 - (0.1 * Random.Shared.NextDouble())),
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
        if (_memory is { } memory && memory.Era == opened.Server.Era && memory.Transport == opened.Transport && memory.HoldsAt(time.GetUtcNow())) return;
        EraDetected?.Invoke();
        _memory = new EraMemory(opened.Server.Era, opened.Transport, time.GetUtcNow());
        await ledger.SaveEraAsync(config.Name, config.Fingerprint, _memory, CancellationToken.None);
        timeline.Add("era detected", $"{opened.Server.Version} over {opened.Transport}");
        logger.EraDetected(config.Name, opened.Server.Version, opened.Transport.ToString());
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
}
