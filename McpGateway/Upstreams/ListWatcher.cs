using McpGateway.Sessions;

namespace McpGateway.Upstreams;

/// <summary>
/// Hears of changed lists outside of calls, on one session of each profile that the upstream has anyway: to listen does not occupy it, nor
/// open another. Its link finds a broken stream again; when the session closes, the next that opens takes over, or at the keeper's next round
/// one that is there. Child processes share nothing, and each is listened to. An upstream that refuses is asked again later and later, each
/// time on a session that has not asked yet.
/// Invariant: under the lock a profile gets a session only while the one it had is not live any more.
/// </summary>
/// <param name="timeline">Where the upstream's operator reads of it.</param>
/// <param name="heardAgain">Called when a profile is listened to that was not for a while: what was said meanwhile was said to nobody. Must not block.</param>
/// <param name="time">For the pauses.</param>
/// <param name="random">For their jitter.</param>
internal sealed class ListWatcher(Timeline timeline, Action<SessionProfile> heardAgain, TimeProvider time, Random random)
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromHours(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<SessionProfile, UpstreamSession> _watching = [];
    private readonly HashSet<SessionProfile> _heard = [];
    private int _refusals;
    private DateTimeOffset _notBefore;

    /// <summary>How the upstream speaks was found out anew, and so may be whether it does.</summary>
    public void Reset()
    {
        lock (_lock) (_refusals, _notBefore) = (0, default);
    }

    /// <summary>The session of a profile that is listened to; null while there is none. Of child processes, the youngest.</summary>
    public UpstreamSession? Find(SessionProfile profile)
    {
        lock (_lock) return _watching.GetValueOrDefault(profile) is { IsLive: true } session ? session : null;
    }

    /// <summary>Takes a session that was just opened, if one is wanted.</summary>
    public void Offer(UpstreamSession session)
    {
        if (!session.Server.AnnouncesAny || !session.IsLive) return;
        lock (_lock)
        {
            if (time.GetUtcNow() < _notBefore) return;
            // What changes in one child process, no other knows of: each is listened to, for as long as it lives.
            if (!IsProcess(session) && _watching.TryGetValue(session.Profile, out var present) && present.IsLive) return;
            _watching[session.Profile] = session;
        }

        using (ExecutionContext.SuppressFlow()) _ = Task.Run(() => WatchAsync(session));
    }

    /// <summary>Replaces those that have closed by others; one that goes from caller to caller rather than somebody's own, whose lists may be too, and of these the youngest.</summary>
    public void Tend(IEnumerable<UpstreamSession> sessions)
    {
        lock (_lock)
        {
            foreach (var (profile, session) in _watching)
            {
                if (!session.IsLive) _watching.Remove(profile);
            }
        }

        foreach (var session in sessions.Where(static session => !IsProcess(session)).OrderBy(static session => session.PinnedTo is not null).ThenByDescending(static session => session.Number)) Offer(session);
    }

    private static bool IsProcess(UpstreamSession session) => session.Link.Transport == UpstreamTransport.Stdio;

    private async Task WatchAsync(UpstreamSession session)
    {
        try
        {
            if (await session.Link.WatchAsync(session.Server, CancellationToken.None)) NoteHeard(session);
            else if (session.IsLive) NoteRefused(session);
        }
        catch (Exception exception) when (exception is UpstreamException or OperationCanceledException)
        {
            // The link has ended, and the next one is listened to.
        }
    }

    private void NoteHeard(UpstreamSession session)
    {
        bool again;
        lock (_lock)
        {
            _refusals = 0;
            again = !_heard.Add(session.Profile);
        }

        timeline.Add("changes heard", $"on session {session.Number} of {session.Profile}");
        if (again && !IsProcess(session)) heardAgain(session.Profile);
    }

    private void NoteRefused(UpstreamSession session)
    {
        int refusals;
        lock (_lock)
        {
            if (_watching.GetValueOrDefault(session.Profile) == session) _watching.Remove(session.Profile);
            refusals = ++_refusals;
            var pause = s_pause * Math.Pow(2, Math.Min(refusals - 1, 6));
            _notBefore = time.GetUtcNow() + ((pause < s_longestPause ? pause : s_longestPause) * (1 + (0.25 * random.NextDouble())));
        }

        if (refusals == 1) timeline.Add("changes not told", "The upstream says that it announces changed lists, and offers no stream for it.");
    }
}
