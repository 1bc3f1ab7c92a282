using System.Text.Json;
using McpGateway.Calls.Lists;
using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Upstreams;
using McpGateway.Upstreams.Links;

namespace McpGateway.Calls;

/// <summary>
/// The tools, prompts, resources and templates of one upstream as callers of one profile see them, as last seen. Lists are served from
/// here without touching the upstream; one is renewed in the background when it is old or the upstream says that it changed, and the
/// old one is served meanwhile.
/// </summary>
internal sealed class Catalogue(Upstream upstream, SessionProfile profile, TimeSpan ttl, TimeProvider time)
{
    private static readonly TimeSpan s_probeTimeout = TimeSpan.FromSeconds(5);

    /// <summary>For what a session lists beside its tools before it is handed out.</summary>
    private static readonly TimeSpan s_othersTimeout = TimeSpan.FromSeconds(5);

    /// <summary>From one attempt to read a list to the next, whatever the first came to.</summary>
    private static readonly TimeSpan s_again = TimeSpan.FromSeconds(5);

    /// <summary>No list is read more often because its upstream says that it is good for less.</summary>
    private static readonly TimeSpan s_shortestTimeToLive = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly ListSnapshot?[] _lists = new ListSnapshot?[ListKind.All.Length];

    // Under the lock: what is to be renewed, of what a change is to be announced even if nothing is found to be different, and since when.
    private readonly HashSet<ListKind> _wanted = [];
    private readonly HashSet<ListKind> _told = [];
    private readonly DateTimeOffset[] _triedAt = new DateTimeOffset[ListKind.All.Length];
    private bool _isRefreshing;

    private int _othersTried;
    private volatile bool _isRead;

    /// <summary>A list; null before the first handshake, for what the upstream does not have, and for what could not be read yet.</summary>
    public ListSnapshot? this[ListKind kind] => Volatile.Read(ref _lists[kind.Index]);

    /// <summary>Raised with the notification of a list that has changed.</summary>
    public event Action<McpMethod>? Changed;

    /// <summary>Reads the tools.</summary>
    /// <param name="link">A link on which nobody else has a call.</param>
    /// <param name="era">How the upstream speaks.</param>
    /// <param name="mayBeEmpty">True where the session cannot have been lost: it was just opened, or there is none. Elsewhere no tools where there were some are a loss, and the old list stays.</param>
    /// <param name="cancellationToken">Cancelled when it takes too long.</param>
    /// <exception cref="UpstreamException">The upstream does not answer its own list, or the session is lost.</exception>
    public async Task FillAsync(UpstreamLink link, McpEra era, bool mayBeEmpty, CancellationToken cancellationToken)
    {
        var reading = await ListReader.ReadAsync(link, era, ListKind.Tools, upstream.Name, cancellationToken);
        if (!mayBeEmpty && reading.Count == 0 && this[ListKind.Tools] is { Entries.Length: > 0 }) throw new UpstreamException(FailureKind.SessionLost, "The session is lost: it lists no tools any more.");
        Replace(ListKind.Tools, reading);
    }

    /// <summary>
    /// Reads what the upstream has beside tools, on the first session of the profile alone, so that it can be listed and routed by from
    /// then on. A session is as good without them: what cannot be read is noted, and tried again later.
    /// </summary>
    /// <exception cref="UpstreamException">The session is lost.</exception>
    public async Task FillOthersAsync(UpstreamLink link, ServerProfile server, CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _othersTried, 1) != 0) return;
        using var deadline = new CancellationTokenSource(s_othersTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            foreach (var kind in ListKind.All.Where(kind => kind != ListKind.Tools && server.Has(kind.Capability))) await TryFillAsync(link, server.Era, kind, either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            upstream.Timeline.Add("list not read", $"Prompts and resources were not listed within {s_othersTimeout.TotalSeconds:0} s.");
        }
        finally
        {
            _isRead = true;
        }
    }

    /// <summary>Whether the upstream says of a tool that calling it again changes nothing more. Only worth as much as the upstream's word.</summary>
    public bool IsRepeatable(string? tool)
    {
        if (this[ListKind.Tools]?.Find(tool) is not { } found) return false;
        using var description = JsonDocument.Parse(found.Json, new JsonDocumentOptions { MaxDepth = 128 });
        return description.RootElement.TryGetProperty("annotations"u8, out var hints) && hints.ValueKind == JsonValueKind.Object
            && (IsTrue(hints, "readOnlyHint"u8) || IsTrue(hints, "idempotentHint"u8));
    }

    /// <summary>
    /// Asks on a session for its list, to see whether the session lives: a server that has lost it refuses, or lists nothing where
    /// there were tools. A ping would not do, since servers answer it without a session too.
    /// </summary>
    /// <returns>Why the session does not live; null when it does.</returns>
    public async Task<string?> ProbeAsync(UpstreamLink link, McpEra era, CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(s_probeTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            using var answer = await LinkCalls.CallAsync(link, McpMethodNames.ToolsList, LinkCalls.Parameters(era), either.Token);
            if (answer.Shape.Kind == MessageKind.Error) return answer.Shape.ErrorCode == RpcErrorCode.MethodNotFound ? null : link.Redact(answer.ReadErrorText());
            var reading = new ListReading(ListKind.Tools, upstream.Name);
            reading.Add(answer.Shape.Result.Of(answer.Bytes));
            return reading.Count == 0 && this[ListKind.Tools] is { Entries.Length: > 0 } ? "it lists no tools any more" : null;
        }
        catch (UpstreamException exception)
        {
            return exception.Message;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return $"it did not answer within {s_probeTimeout.TotalSeconds:0} s";
        }
    }

    /// <summary>Waits until the lists have been read: until a session of this profile is open, since the first one lists all before it is used.</summary>
    /// <exception cref="UpstreamException">There is none to be had.</exception>
    public async Task KnowAsync(CancellationToken cancellationToken)
    {
        if (!_isRead) await (await LeaseAsync(cancellationToken)).DisposeAsync();
    }

    /// <summary>How long a list is still good; zero for one that is being renewed.</summary>
    public TimeSpan RemainingOf(ListSnapshot list)
    {
        var remaining = list.FetchedAt + list.TimeToLive - time.GetUtcNow();
        return remaining > TimeSpan.Zero ? remaining : TimeSpan.Zero;
    }

    /// <summary>Renews a list in the background if it is older than its time to live, or could not be read before.</summary>
    public void RefreshIfStale(ListKind kind)
    {
        if (this[kind] is { } list ? RemainingOf(list) > TimeSpan.Zero : !_isRead) return;
        lock (_lock)
        {
            if (time.GetUtcNow() - _triedAt[kind.Index] < s_again) return;
        }

        Renew(kind, tells: false);
    }

    /// <summary>Renews in the background what an upstream says has changed, and passes its word on. Never waits.</summary>
    public void Invalidate(McpMethod change)
    {
        foreach (var kind in ListKind.All.Where(kind => kind.Change == change)) Renew(kind, tells: true);
    }

    /// <summary>Renews in the background what has been read, after a while in which nothing was heard of the upstream. Never waits.</summary>
    public void Renew()
    {
        foreach (var kind in ListKind.All.Where(kind => this[kind] is not null)) Renew(kind, tells: false);
    }

    private async Task TryFillAsync(UpstreamLink link, McpEra era, ListKind kind, CancellationToken cancellationToken)
    {
        NoteAttempt(kind);
        try
        {
            Replace(kind, await ListReader.ReadAsync(link, era, kind, upstream.Name, cancellationToken));
        }
        catch (UpstreamException exception) when (exception.Kind != FailureKind.SessionLost && link.BrokenReason is null)
        {
            upstream.Timeline.Add("list not read", exception.Message);
        }
    }

    private void Renew(ListKind kind, bool tells)
    {
        lock (_lock)
        {
            _wanted.Add(kind);
            if (tells) _told.Add(kind);
            if (_isRefreshing) return;
            _isRefreshing = true;
        }

        using (ExecutionContext.SuppressFlow()) _ = Task.Run(RefreshAsync);
    }

    private ValueTask<SessionLease> LeaseAsync(CancellationToken cancellationToken) =>
        upstream.LeaseAsync(new SessionKey(SessionKey.Anonymous, null, IsOfGateway: true) { Profile = profile }, cancellationToken);

    /// <summary>One at a time; what is asked for while it runs is read by another round of it, since a list that was being read may be of before.</summary>
    private async Task RefreshAsync()
    {
        while (TakeWanted(out var told) is { Length: > 0 } kinds)
        {
            try
            {
                if (!await TryReadBesideAsync(kinds)) await ReadAsync(kinds);
            }
            catch (Exception exception) when (exception is UpstreamException or OperationCanceledException)
            {
                upstream.Timeline.Add("catalogue not renewed", exception.Message);
            }

            foreach (var change in told) Changed?.Invoke(change);
        }
    }

    /// <summary>
    /// Reads on the session that is listened to, beside whatever call is under way there: to lease one could keep a caller waiting, or use it
    /// up. Not on a session that has served somebody in particular, whose lists may be his own.
    /// </summary>
    /// <returns>False when there is no such session, or it did not answer.</returns>
    private async Task<bool> TryReadBesideAsync(ListKind[] kinds)
    {
        if (upstream.ListenedTo(profile) is not { PinnedTo: null, Principal: null or SessionKey.Anonymous } session) return false;
        using var deadline = new CancellationTokenSource(upstream.Config.Pool.OpenTimeout, time);
        try
        {
            foreach (var kind in kinds) await FillAsync(session, kind, deadline.Token);
            return true;
        }
        catch (Exception exception) when (exception is UpstreamException or OperationCanceledException)
        {
            // It closes, or lists nothing any more: one that is verified tells.
            return false;
        }
    }

    private async Task ReadAsync(ListKind[] kinds)
    {
        await using var lease = await LeaseAsync(CancellationToken.None);
        using var deadline = new CancellationTokenSource(upstream.Config.Pool.OpenTimeout, time);
        try
        {
            foreach (var kind in kinds) await FillAsync(lease.Session, kind, deadline.Token);
        }
        catch (UpstreamException exception) when (exception.Kind == FailureKind.SessionLost)
        {
            // It is replaced, and the next one, which is new, says what tools there are.
            lease.Break(CloseReason.Of(exception));
            throw;
        }
    }

    /// <summary>What is to be read now; with nothing, the renewal has ended.</summary>
    private ListKind[] TakeWanted(out McpMethod[] told)
    {
        lock (_lock)
        {
            ListKind[] kinds = [.. _wanted];
            told = [.. _told.Select(static kind => kind.Change).Distinct()];
            _wanted.Clear();
            _told.Clear();
            _isRefreshing = kinds.Length > 0;
            return kinds;
        }
    }

    private async Task FillAsync(UpstreamSession session, ListKind kind, CancellationToken cancellationToken)
    {
        var (link, server) = (session.Link, session.Server);
        if (!server.Has(kind.Capability)) return;
        NoteAttempt(kind);
        if (kind == ListKind.Tools) await FillAsync(link, server.Era, mayBeEmpty: !link.KeepsSession, cancellationToken);
        else Replace(kind, await ListReader.ReadAsync(link, server.Era, kind, upstream.Name, cancellationToken));
    }

    private void NoteAttempt(ListKind kind)
    {
        lock (_lock) _triedAt[kind.Index] = time.GetUtcNow();
    }

    private void Replace(ListKind kind, ListReading reading)
    {
        if (reading.IsCut) upstream.Timeline.Add("list cut", $"{kind.Method} has more than {ListReader.MaxEntries} entries or {ListReader.MaxPages} pages; the first {reading.Count} are used.");
        var timeToLive = reading.TimeToLive is { } said && said < ttl ? (said > s_shortestTimeToLive ? said : s_shortestTimeToLive) : ttl;
        var after = new ListSnapshot(reading.ToEntries(), time.GetUtcNow(), timeToLive);
        // Until now clients of this profile have seen what the others see.
        var before = this[kind] ?? (profile == SessionProfile.Default ? null : upstream.CatalogueOf(SessionProfile.Default)[kind]);
        Volatile.Write(ref _lists[kind.Index], after);
        if (before is null || !before.IsSame(after)) Changed?.Invoke(kind.Change);
    }

    private static bool IsTrue(JsonElement hints, ReadOnlySpan<byte> name) => hints.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.True;
}
