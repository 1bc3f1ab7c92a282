using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;

namespace ConformanceUpstream.Legacy;

/// <summary>What a server keeps of one client from <c>initialize</c> to the end.</summary>
internal sealed class LegacySession : IDisposable
{
    /// <summary>The name of <see cref="Outside"/> in event ids.</summary>
    public const string OutsideName = "session";

    private readonly ConcurrentDictionary<string, EventLog> _streams = new() { [OutsideName] = new EventLog() };
    private readonly ConcurrentDictionary<string, TaskCompletionSource<JsonObject>> _asked = new();
    private readonly ConcurrentDictionary<string, CancellationTokenSource> _running = new();
    private readonly CancellationTokenSource _ended = new();
    // Taken once: a request that comes in while the session ends asks for it after its source is gone.
    private readonly CancellationToken _endedToken;
    private int _lastStream;
    private int _lastRequest;

    public LegacySession(string id)
    {
        Id = id;
        _endedToken = _ended.Token;
    }

    public string Id { get; }

    /// <summary>Null before <c>initialize</c>.</summary>
    public string? Version { get; private set; }

    public JsonObject Capabilities { get; private set; } = [];

    /// <summary>The least severe log messages the client wants; all of them until it says so.</summary>
    public string LogLevel { get; set; } = "debug";

    /// <summary>URIs the client subscribed to.</summary>
    public ConcurrentDictionary<string, bool> Subscriptions { get; } = new();

    /// <summary>Messages that belong to no call; on stdio and HTTP+SSE all of them.</summary>
    public EventLog Outside => _streams[OutsideName];

    public void Begin(string version, JsonObject capabilities) => (Version, Capabilities) = (version, capabilities);

    /// <summary>A stream of its own for one call.</summary>
    public (string Name, EventLog Log) OpenStream()
    {
        var name = $"call-{Interlocked.Increment(ref _lastStream)}";
        return (name, _streams[name] = new EventLog());
    }

    /// <summary>An event id names the stream and how much of it the client has, so that resuming needs nothing else.</summary>
    public static string EventId(string stream, int place) => string.Create(CultureInfo.InvariantCulture, $"{stream}.{place}");

    /// <summary>The stream an event id belongs to, and how much of it the client has.</summary>
    public (string Name, EventLog Log, int From)? FindStream(string eventId)
    {
        var dot = eventId.LastIndexOf('.');
        return dot > 0 && _streams.TryGetValue(eventId[..dot], out var log) && int.TryParse(eventId[(dot + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var from)
            ? (eventId[..dot], log, from)
            : null;
    }

    /// <summary>Sends a request of the server on a stream and waits for the client's answer.</summary>
    public async Task<JsonObject> AskAsync(EventLog stream, string method, JsonObject parameters, CancellationToken cancellationToken)
    {
        var requestId = $"server-{Interlocked.Increment(ref _lastRequest)}";
        var answered = _asked[requestId] = new TaskCompletionSource<JsonObject>(TaskCreationOptions.RunContinuationsAsynchronously);
        stream.Append(Rpc.Request(requestId, method, parameters));
        try
        {
            return await answered.Task.WaitAsync(cancellationToken);
        }
        finally
        {
            _asked.TryRemove(requestId, out _);
        }
    }

    /// <summary>Takes the client's answer to a request of the server; one that nobody waits for is dropped.</summary>
    public void TakeAnswer(RpcMessage message)
    {
        if (RpcMessage.TextOf(message.Id) is { } requestId && _asked.TryGetValue(requestId, out var asked)) asked.TrySetResult(message.Whole);
    }

    /// <summary>A token that is cancelled when the client takes the request back or leaves.</summary>
    public CancellationTokenSource Running(RpcMessage request) => _running[request.IdText] = CancellationTokenSource.CreateLinkedTokenSource(_endedToken);

    public void Finished(RpcMessage request)
    {
        if (_running.TryRemove(request.IdText, out var running)) running.Dispose();
    }

    public void Cancel(JsonNode? requestId)
    {
        if (requestId is null || !_running.TryGetValue(requestId.ToJsonString(), out var running)) return;
        try
        {
            running.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // Answered meanwhile.
        }
    }

    public void End()
    {
        _ended.Cancel();
        foreach (var stream in _streams.Values) stream.Complete();
    }

    public void Dispose() => _ended.Dispose();
}
