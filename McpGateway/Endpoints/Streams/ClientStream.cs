using System.Buffers;
using System.Globalization;
using System.Text;

namespace McpGateway.Endpoints.Streams;

/// <summary>What a stream carries.</summary>
internal enum StreamKind
{
    /// <summary>Messages outside any call, opened by GET.</summary>
    Listening,

    /// <summary>The messages of one POST, its answer last.</summary>
    Call,

    /// <summary>Everything, for a client of the HTTP+SSE pair of 2024-11-05.</summary>
    Pair,

    /// <summary>Notifications of one <c>subscriptions/listen</c> of 2026-07-28.</summary>
    Subscription,

    /// <summary>What another gateway sends of a stream that it keeps, as it goes to the client: events with their ids.</summary>
    Relayed,
}

/// <summary>
/// One stream of messages to one client: what is to be sent, what is kept for a client that lost its connection, and the
/// connection there is now, if any. Producers append; only the connection writes to the wire. All state is guarded by the lock of
/// <see cref="SessionStreams"/>, which owns the stream.
/// </summary>
internal sealed class ClientStream
{
    /// <summary>Bytes written between two flushes at most.</summary>
    private const int Batch = 64 * 1024;

    private readonly SessionStreams _owner;
    private readonly Queue<KeptEvent> _events = new();
    private readonly string _head;
    private readonly string _tail;
    private long _first = 1;
    private long _sent;
    private IStreamOutlet? _connection;
    private TaskCompletionSource? _room;

    public ClientStream(SessionStreams owner, StreamKind kind, string id, ReadOnlySpan<byte> requestId)
    {
        (_owner, Kind, Id) = (owner, kind, id);
        (_head, _tail) = StreamEventId.Frame(id, requestId);
    }

    public StreamKind Kind { get; }

    public string Id { get; }

    /// <summary>True when its events are kept after they were sent, since revision and transport know how to resume.</summary>
    public bool IsResumable => Kind is StreamKind.Listening or StreamKind.Call;

    /// <summary>True when nothing more will come.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>When it was completed, by <see cref="TimeProvider.GetTimestamp"/>.</summary>
    public long CompletedAt { get; private set; }

    public bool IsAttached => _connection is not null;

    /// <summary>Events in here, sent or not.</summary>
    public int Count => _events.Count;

    public long Bytes { get; private set; }

    public bool IsSent => _sent >= Last;

    private long Last => _first + _events.Count - 1;

    /// <summary>Adds a message. Never waits, and never fails: what nobody fetches is dropped in time.</summary>
    /// <param name="message">The message, copied.</param>
    /// <param name="once">Names what it says; while a message of that name waits to be sent, another adds nothing.</param>
    public void Append(ReadOnlySpan<byte> message, string? once = null) => Add(message, once, isLast: false);

    /// <summary>Adds the last message and completes the stream, in one step: what is over its bounds never drops the answer.</summary>
    public void Finish(ReadOnlySpan<byte> message) => Add(message, once: null, isLast: true);

    /// <summary>Waits while the client reads more slowly than messages come. For producers that can wait.</summary>
    public Task RoomAsync()
    {
        lock (_owner.Sync)
        {
            if (_connection is null || Unsent() <= Batch) return Task.CompletedTask;
            return (_room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    /// <summary>Says that nothing more will come; the connection ends when all is sent.</summary>
    public void Complete()
    {
        lock (_owner.Sync)
        {
            if (IsComplete) return;
            MarkComplete();
            _owner.Completed(this);
        }

        _connection?.Wake();
    }

    /// <summary>Makes a connection the stream's; an earlier one ends. Sending goes on after the event of that number.</summary>
    public void Attach(IStreamOutlet connection, long after)
    {
        IStreamOutlet? before;
        lock (_owner.Sync)
        {
            (before, _connection) = (_connection, connection);
            _sent = Math.Clamp(after, _first - 1, Last);
        }

        before?.End(retry: null);
    }

    public void Detach(IStreamOutlet connection)
    {
        TaskCompletionSource? room = null;
        lock (_owner.Sync)
        {
            if (!ReferenceEquals(_connection, connection)) return;
            (_connection, room, _room) = (null, _room, null);
            if (!IsResumable) MarkComplete();
            _owner.Detached(this);
        }

        room?.TrySetResult();
    }

    /// <summary>Ends the connection; the client may come back for the rest after <paramref name="retry"/>.</summary>
    public void EndConnection(TimeSpan? retry) => Volatile.Read(ref _connection)?.End(retry);

    /// <summary>Writes what has not been sent, a batch at most.</summary>
    public StreamProgress WriteTo(IBufferWriter<byte> output, IStreamOutlet connection)
    {
        TaskCompletionSource? room = null;
        var written = 0;
        bool isOver;
        lock (_owner.Sync)
        {
            if (!ReferenceEquals(_connection, connection)) return StreamProgress.Over;
            foreach (var waiting in _events.Skip((int)(_sent - _first + 1)))
            {
                if (written > Batch) break;
                _sent++;
                written += Write(output, waiting.Message, _sent);
            }

            if (!IsResumable) DropSent();
            if (Unsent() <= Batch) (room, _room) = (_room, null);
            isOver = IsComplete && IsSent;
        }

        room?.TrySetResult();
        return isOver ? StreamProgress.Over : written > 0 ? StreamProgress.More : StreamProgress.Idle;
    }

    /// <summary>An event that says nothing but where the client stands, so that it can come back even before the first message (2025-11-25).</summary>
    public void WritePriming(IBufferWriter<byte> output) => Put(output, $"id: {_head}0{_tail}\ndata: \n\n");

    /// <summary>Under the lock: drops the oldest event, if it may go.</summary>
    /// <param name="alsoUnsent">False for what was sent alone; true also for what was not, where there is no connection. The last event of a completed stream is the answer, and stays.</param>
    /// <returns>Bytes given back; 0 when it stays.</returns>
    public long DropOldest(bool alsoUnsent)
    {
        if (_events.Count == 0) return 0;
        var isSent = _first <= _sent;
        var isEnd = IsComplete && _events.Count == 1;
        return isSent || (alsoUnsent && !IsAttached && !isEnd) ? DropFirst() : 0;
    }

    /// <summary>Under the lock: gives what has not been sent to another stream of the session, in order.</summary>
    public void MoveUnsent(ClientStream to)
    {
        var sent = (int)(_sent - _first + 1);
        if (_events.Count == sent) return;
        var events = _events.ToArray();
        _events.Clear();
        foreach (var kept in events.AsSpan(0, sent)) _events.Enqueue(kept);
        foreach (var unsent in events.AsSpan(sent))
        {
            Bytes -= unsent.Message.Length;
            _owner.Removed(unsent.Message.Length);
        }

        foreach (var unsent in events.AsSpan(sent)) to.Append(unsent.Message, unsent.Once);
    }

    /// <summary>Under the lock: drops everything.</summary>
    public long DropAll()
    {
        var bytes = 0L;
        while (_events.Count > 0) bytes += DropFirst();
        return bytes;
    }

    private void Add(ReadOnlySpan<byte> message, string? once, bool isLast)
    {
        var copy = message.ToArray();
        if (Kind != StreamKind.Relayed) Fold(copy);
        lock (_owner.Sync)
        {
            if (IsComplete || (once is not null && IsWaiting(once))) return;
            _events.Enqueue(new KeptEvent(copy, once));
            Bytes += copy.Length;
            if (isLast) MarkComplete();
            _owner.Added(copy.Length);
            if (isLast) _owner.Completed(this);
        }

        _connection?.Wake();
    }

    private void MarkComplete() => (IsComplete, CompletedAt) = (true, _owner.Now);

    private void DropSent()
    {
        while (_first <= _sent && _events.Count > 0) _owner.Removed(DropFirst());
    }

    private long DropFirst()
    {
        var bytes = _events.Dequeue().Message.Length;
        _first++;
        Bytes -= bytes;
        if (_sent < _first - 1) _sent = _first - 1;
        return bytes;
    }

    private bool IsWaiting(string once)
    {
        foreach (var waiting in _events.Skip((int)(_sent - _first + 1)))
        {
            if (waiting.Once == once) return true;
        }

        return false;
    }

    /// <summary>Under the lock: bytes that the connection has yet to write.</summary>
    private long Unsent()
    {
        if (_sent < _first) return Bytes;
        var bytes = 0L;
        foreach (var waiting in _events.Skip((int)(_sent - _first + 1))) bytes += waiting.Message.Length;
        return bytes;
    }

    private int Write(IBufferWriter<byte> output, byte[] message, long sequence)
    {
        if (Kind == StreamKind.Relayed)
        {
            output.Write(message);
            return message.Length;
        }

        if (IsResumable) Put(output, string.Create(CultureInfo.InvariantCulture, $"id: {_head}{sequence}{_tail}\n"));
        output.Write("event: message\ndata: "u8);
        output.Write(message);
        output.Write("\n\n"u8);
        return message.Length;
    }

    private static void Put(IBufferWriter<byte> output, string text) => Encoding.ASCII.GetBytes(text, output);

    /// <summary>A line end between JSON tokens is white space, but would end an SSE field.</summary>
    private static void Fold(Span<byte> message)
    {
        for (int at; (at = message.IndexOfAny((byte)'\r', (byte)'\n')) >= 0; message = message[(at + 1)..]) message[at] = (byte)' ';
    }

    private readonly record struct KeptEvent(byte[] Message, string? Once);
}

/// <summary>How far the writing of a stream got.</summary>
internal enum StreamProgress
{
    /// <summary>There was nothing to write.</summary>
    Idle,

    /// <summary>Something was written, and there may be more.</summary>
    More,

    /// <summary>All is written and nothing will come, or another connection has taken over.</summary>
    Over,
}
