namespace McpGateway.Endpoints.Streams;

/// <summary>How much of its streams a session keeps for a client that comes back.</summary>
/// <param name="Events">Events of all its streams.</param>
/// <param name="Bytes">Bytes of these events.</param>
internal readonly record struct StreamBounds(int Events, long Bytes);

/// <summary>
/// The streams of one client's session. Messages outside a call go to one of its listening streams, never to two. What was sent
/// is kept within <see cref="StreamBounds"/>: the oldest goes first, the answer of a call that nobody has fetched last.
/// </summary>
/// <param name="bounds">How much is kept.</param>
/// <param name="time">The clock.</param>
/// <param name="replica">This gateway's name, by which an event id leads back to it; empty where it is alone.</param>
internal sealed class SessionStreams(StreamBounds bounds, TimeProvider time, string replica = "")
{
    /// <summary>Listening streams at most; the oldest one ends. A client needs one, and some open another before the first has ended.</summary>
    private const int MaxListening = 8;

    private readonly List<ClientStream> _streams = [];
    private int _events;
    private long _bytes;

    /// <summary>Guards this and every stream in here. Held for memory work only.</summary>
    public Lock Sync { get; } = new();

    public long Now => time.GetTimestamp();

    public ClientStream Open(StreamKind kind, ReadOnlySpan<byte> requestId = default)
    {
        var stream = new ClientStream(this, kind, StreamEventId.NewName(replica), requestId);
        ClientStream? surplus = null;
        lock (Sync)
        {
            _streams.Add(stream);
            if (kind == StreamKind.Listening && _streams.Count(one => one.Kind == StreamKind.Listening) > MaxListening)
                surplus = _streams.First(one => one.Kind == StreamKind.Listening);
            if (kind == StreamKind.Listening) TakeOver(stream);
            if (surplus is not null) Forget(surplus);
        }

        surplus?.Complete();
        return stream;
    }

    /// <summary>The stream of that name, if it is still kept.</summary>
    public ClientStream? Find(string id)
    {
        lock (Sync) return _streams.Find(stream => stream.Id == id);
    }

    /// <summary>
    /// Sends a message outside any call: on the newest listening stream that has a connection, else on the newest without, for
    /// when its client comes back. False when the client has never listened.
    /// </summary>
    /// <param name="message">The message, copied.</param>
    /// <param name="once">See <see cref="ClientStream.Append"/>.</param>
    public bool TrySend(ReadOnlySpan<byte> message, string? once = null)
    {
        ClientStream? target;
        lock (Sync) target = _streams.FindLast(static stream => IsListening(stream) && stream.IsAttached) ?? _streams.FindLast(IsListening);
        target?.Append(message, once);
        return target is not null;
    }

    /// <summary>True while a client waits for messages outside any call.</summary>
    public bool IsListenedTo
    {
        get { lock (Sync) return _streams.Exists(static stream => IsListening(stream) && stream.IsAttached); }
    }

    /// <summary>Ends every stream: the session has ended.</summary>
    public void Complete() => Complete(static _ => true);

    /// <summary>Ends the streams outside calls: the session has ended, its calls end in peace.</summary>
    public void CompleteListening() => Complete(static stream => stream.Kind != StreamKind.Call);

    /// <summary>Forgets completed streams that nobody came back for.</summary>
    public void Sweep(TimeSpan kept)
    {
        lock (Sync)
        {
            for (var i = _streams.Count - 1; i >= 0; i--)
            {
                if (_streams[i] is { IsComplete: true, IsAttached: false } stream && time.GetElapsedTime(stream.CompletedAt) > kept) Forget(stream);
            }
        }
    }

    public IReadOnlyList<StreamReport> Report()
    {
        lock (Sync) return [.. _streams.Select(static stream => new StreamReport(stream.Kind, stream.IsAttached, stream.IsComplete, stream.Count, stream.Bytes))];
    }

    /// <summary>Under the lock: an event came in.</summary>
    public void Added(long bytes)
    {
        _events++;
        _bytes += bytes;
        if (_events > bounds.Events || _bytes > bounds.Bytes) Trim();
    }

    /// <summary>Under the lock: an event went.</summary>
    public void Removed(long bytes)
    {
        _events--;
        _bytes -= bytes;
    }

    /// <summary>Under the lock: a stream got its last event.</summary>
    public void Completed(ClientStream stream)
    {
        if (!stream.IsResumable && !stream.IsAttached) Forget(stream);
    }

    /// <summary>Under the lock: a stream lost its connection.</summary>
    public void Detached(ClientStream stream)
    {
        if (!stream.IsResumable) Forget(stream);
    }

    private void Complete(Func<ClientStream, bool> which)
    {
        ClientStream[] streams;
        lock (Sync) streams = [.. _streams.Where(which)];
        foreach (var stream in streams) stream.Complete();
    }

    private static bool IsListening(ClientStream stream) => stream is { IsComplete: false, Kind: StreamKind.Listening or StreamKind.Pair };

    /// <summary>
    /// Under the lock: a client that listens anew, without saying from where, gets what has waited for it since it lost its connection. None of that has
    /// been sent; what was stays where it is, for one who asks for it by its id.
    /// </summary>
    private void TakeOver(ClientStream listening)
    {
        // A copy: over the bounds, a stream may go meanwhile.
        foreach (var before in _streams.ToArray())
        {
            if (before is { Kind: StreamKind.Listening, IsComplete: false, IsAttached: false } && before != listening) before.MoveUnsent(listening);
        }
    }

    private void Trim()
    {
        foreach (var stream in _streams.Where(static stream => stream is { IsComplete: true, IsSent: true, IsAttached: false }).ToArray())
        {
            if (Fits) return;
            Forget(stream);
        }

        Drop(alsoUnsent: false);
        Drop(alsoUnsent: true);
        // A listener that does not read is let go: what it misses, it misses knowingly.
        if (!Fits) _streams.Find(static stream => stream is { Kind: StreamKind.Listening, IsAttached: true, IsSent: false })?.EndConnection(retry: null);
    }

    private bool Fits => _events <= bounds.Events && _bytes <= bounds.Bytes;

    private void Drop(bool alsoUnsent)
    {
        foreach (var stream in _streams)
        {
            while (!Fits && stream.DropOldest(alsoUnsent) is > 0 and var bytes) Removed(bytes);
        }
    }

    private void Forget(ClientStream stream)
    {
        if (!_streams.Remove(stream)) return;
        var count = stream.Count;
        _bytes -= stream.DropAll();
        _events -= count;
    }
}

/// <summary>What an operator sees of a stream.</summary>
internal sealed record StreamReport(StreamKind Kind, bool Connected, bool Complete, int Events, long Bytes);
