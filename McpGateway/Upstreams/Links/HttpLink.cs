using System.Diagnostics;
using System.Net;
using McpGateway.Protocol;
using McpGateway.Sessions;

namespace McpGateway.Upstreams.Links;

/// <summary>
/// Streamable HTTP: one POST per message, answered with JSON or with an SSE stream. Holds the session id of a legacy
/// upstream, which leaves this class in its own requests and, sealed, in the ledger.
/// </summary>
internal sealed class HttpLink(HttpMessageInvoker http, UpstreamConfig config, int messageLimit, TimeProvider time, ILogger logger) : UpstreamLink(config.Name, logger)
{
    private string? _sessionId;
    private readonly ReplicaRepeats _replicas = new();
    private string? _brokenReason;
    private readonly CancellationTokenSource _closing = new();
    private readonly Lock _listening = new();
    private SessionStream? _stream;
    private volatile bool _left;

    /// <summary>The session of an earlier link, to go on with it.</summary>
    public string? SessionId { init => _sessionId = value; }

    public override string? ResumableId => _sessionId;

    public override string Redact(string text) => config.Secrets.Redact(text);

    public override UpstreamTransport Transport => UpstreamTransport.Http;

    public override bool KeepsSession => _sessionId is not null;

    public override bool NeedsProbe => KeepsSession;

    public override bool ClosingCancels => Version == McpVersion.Modern;

    public override string? BrokenReason => Volatile.Read(ref _brokenReason);

    public override async Task<UpstreamExchange> SendRequestAsync(OutgoingRequest request, CancellationToken cancellationToken)
    {
        for (var repeats = 0; ; repeats++)
        {
            using var post = Post(request.Bytes, request.MethodName, request.Name, request.Parameters);
            var response = await SendAsync(post, cancellationToken);
            try
            {
                var exchange = await ReadExchangeAsync(response, cancellationToken);
                _replicas.Passed(repeats);
                _stream?.NoteAnswer();
                return exchange;
            }
            catch (UpstreamException refused) when (_replicas.Allow(refused, repeats))
            {
                response.Dispose();
            }
            catch (Exception exception)
            {
                response.Dispose();
                if (exception is UpstreamException { Kind: FailureKind.SessionLost } && _sessionId is not null) Interlocked.CompareExchange(ref _brokenReason, exception.Message, null);
                throw;
            }
        }
    }

    public override async Task SendNotificationAsync(ReadOnlyMemory<byte> message, McpMethod method, CancellationToken cancellationToken)
    {
        for (var repeats = 0; ; repeats++)
        {
            using var post = Post(message, MethodName(method), null, null);
            using var response = await SendAsync(post, cancellationToken);
            if (response.IsSuccessStatusCode) return;
            var refused = await ReadFailureAsync(response, cancellationToken);
            if (!_replicas.Allow(refused, repeats)) throw refused;
        }
    }

    /// <summary>Opens the GET stream, once. Revision 2026-07-28 has none.</summary>
    public override Task<bool> ListenAsync(CancellationToken cancellationToken)
    {
        if (Version == McpVersion.Modern) return Task.FromResult(false);
        return OpenedAsync(OpenStreamAsync, cancellationToken);
    }

    /// <summary>By the GET stream; in revision 2026-07-28 by <c>subscriptions/listen</c>.</summary>
    public override Task<bool> WatchAsync(ServerProfile server, CancellationToken cancellationToken) => Version == McpVersion.Modern
        ? OpenedAsync((_, closing) => SubscribeAsync(server, closing), cancellationToken)
        : ListenAsync(cancellationToken);

    public override void Leave() => _left = true;

    /// <summary>Ends the session with DELETE, as the specification asks of a client that leaves; an upstream that does not care answers 405.</summary>
    public override async ValueTask DisposeAsync()
    {
        var session = _sessionId;
        var wasBroken = Interlocked.CompareExchange(ref _brokenReason, "closed", null) is not null;
        await _closing.CancelAsync();
        if (_stream is { } stream) await stream.DisposeAsync();
        if (wasBroken || session is null || _left) return;
        using var delete = new HttpRequestMessage(HttpMethod.Delete, config.Url);
        AddHeaders(delete);
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(5), time);
        try
        {
            using var response = await http.SendAsync(delete, deadline.Token);
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException)
        {
            Logger.DeleteFailed(config.Name, exception);
        }
    }

    /// <summary>The GET stream is open for an owner, who then gets what comes, or to hear of changed lists: other notifications are then dropped, as if it were not.</summary>
    protected override bool ReportsStrayNotices => false;

    private Task<bool> OpenedAsync(Func<string, CancellationToken, Task<HttpResponseMessage?>> open, CancellationToken cancellationToken)
    {
        lock (_listening) _stream ??= new SessionStream(open, message => DeliverOutside(message, _closing.Token), NoteHeardAgain, time, _closing.Token);
        return _stream.Opened.WaitAsync(cancellationToken);
    }

    private HttpRequestMessage Post(ReadOnlyMemory<byte> message, string method, string? name, IReadOnlyList<KeyValuePair<string, string>>? parameters)
    {
        var post = new HttpRequestMessage(HttpMethod.Post, config.Url) { Content = new ReadOnlyMemoryContent(message) };
        post.Content.Headers.TryAddWithoutValidation("Content-Type", "application/json");
        post.Headers.TryAddWithoutValidation("Accept", "application/json, text/event-stream");
        AddHeaders(post);
        if (Version != McpVersion.Modern) return post;
        post.Headers.TryAddWithoutValidation(McpHeader.Method, method);
        if (name is not null) post.Headers.TryAddWithoutValidation(McpHeader.Name, HeaderText.Encode(name));
        foreach (var (header, value) in parameters ?? []) post.Headers.TryAddWithoutValidation(header, value);
        return post;
    }

    private void AddHeaders(HttpRequestMessage request)
    {
        // Bodies are spliced as they come, so they must not be compressed.
        request.Headers.TryAddWithoutValidation("Accept-Encoding", "identity");
        foreach (var (name, value) in config.Headers) request.Headers.TryAddWithoutValidation(name, value);
        if (Version is not null) request.Headers.TryAddWithoutValidation(McpHeader.ProtocolVersion, Version);
        if (_sessionId is not null) request.Headers.TryAddWithoutValidation(McpHeader.SessionId, _sessionId);
        if (Activity.Current is not { Recorded: true } span) return;
        request.Headers.TryAddWithoutValidation("traceparent", span.Id);
        if (span.TraceStateString is { Length: > 0 } state) request.Headers.TryAddWithoutValidation("tracestate", state);
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (BrokenReason is { } reason) throw new UpstreamException(FailureKind.Unreachable, reason);
        try
        {
            return await http.SendAsync(request, cancellationToken);
        }
        catch (HttpRequestException exception)
        {
            throw HttpFailure.From(exception, config);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw HttpFailure.NotConnected(exception, config);
        }
    }

    private async Task<UpstreamExchange> ReadExchangeAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.Headers.NonValidated.TryGetValues(McpHeader.SessionId, out var ids)) _sessionId ??= ids.First();
        if (response.StatusCode == HttpStatusCode.OK && HasType(response, "text/event-stream"))
            return new StreamExchange(response, await response.Content.ReadAsStreamAsync(cancellationToken), message => TrySettle(message, _closing.Token), Version == McpVersion.Modern ? null : ResumeAsync, time);

        var body = await HttpFailure.ReadBodyAsync(response, messageLimit, cancellationToken);
        if (response.StatusCode == HttpStatusCode.OK && HasType(response, "application/json")) return new SingleExchange(Scan(body), response);
        using (body)
        {
            var failure = HttpFailure.Classify(response, body.Span, Transport, _sessionId is not null, config, time);
            // A status with a JSON-RPC error in its body is an answer, unless the status says that the call never got so far.
            if (failure.Kind != FailureKind.NotMcp || HttpFailure.TryReadError(body.Span) is not { } error) throw failure;
            if (!MissesASession(response, body.Span)) return new SingleExchange(error, response);
            error.Dispose();
            throw new UpstreamException(FailureKind.SessionLost, $"The upstream does not take requests of revision {McpVersion.Modern} any more: {failure.Message}", failure, status: failure.Status);
        }
    }

    /// <summary>True for a server that wants a session where the revision has none: it has become one of the legacy kind, and dispatched nothing.</summary>
    private bool MissesASession(HttpResponseMessage response, ReadOnlySpan<byte> body) =>
        Version == McpVersion.Modern && response.StatusCode == HttpStatusCode.BadRequest
        && HttpFailure.Classify(response, body, Transport, heldSession: true, config, time).Kind == FailureKind.SessionLost;

    /// <summary>Compared as it stands: parsing it into an object would cost more than the rest of the headers.</summary>
    private static bool HasType(HttpResponseMessage response, string type)
    {
        if (!response.Content.Headers.NonValidated.TryGetValues("Content-Type", out var values)) return false;
        var value = values.ToString().AsSpan();
        var end = value.IndexOf(';');
        return (end < 0 ? value : value[..end]).Trim().Equals(type, StringComparison.OrdinalIgnoreCase);
    }

    private async Task<UpstreamException> ReadFailureAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        using var body = await HttpFailure.ReadBodyAsync(response, messageLimit, cancellationToken);
        return HttpFailure.Classify(response, body.Span, Transport, _sessionId is not null, config, time);
    }

    /// <summary>Asks for the events of an answer after the one that came last.</summary>
    private async Task<HttpResponseMessage> ResumeAsync(string lastEventId, CancellationToken cancellationToken)
    {
        var response = await GetAsync(lastEventId, cancellationToken);
        if (response.StatusCode == HttpStatusCode.OK && HasType(response, "text/event-stream")) return response;
        using (response)
        {
            var failure = await ReadFailureAsync(response, cancellationToken);
            if (failure.Kind == FailureKind.Throttled) throw failure;
            // The call has run or runs; only its answer cannot be had any more.
            throw new UpstreamException(FailureKind.OutcomeUnknown, $"The answer's stream ended early and the rest cannot be fetched: {failure.Message}", failure, status: failure.Status);
        }
    }

    /// <summary>Opens the session's own stream; null when the upstream has none, or the session is lost.</summary>
    private async Task<HttpResponseMessage?> OpenStreamAsync(string lastEventId, CancellationToken cancellationToken) =>
        await StreamOrNoneAsync(await GetAsync(lastEventId, cancellationToken), cancellationToken);

    /// <summary>Asks a modern upstream to tell of its lists; null when it does not know how.</summary>
    private async Task<HttpResponseMessage?> SubscribeAsync(ServerProfile server, CancellationToken cancellationToken)
    {
        var request = ListSubscription.Of(this, server);
        using var post = Post(request.Bytes, request.MethodName, null, null);
        return await StreamOrNoneAsync(await SendAsync(post, cancellationToken), cancellationToken);
    }

    private async Task<HttpResponseMessage?> StreamOrNoneAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var status = (int)response.StatusCode;
        if (status == 200 && HasType(response, "text/event-stream")) return response;
        using (response)
        {
            // 409: the one stream it allows is still taken by a connection that it has not noticed to be gone.
            if (status is 409 or 429 or >= 500 and not 501) throw await ReadFailureAsync(response, cancellationToken);
        }

        if (KeepsSession && status is not (200 or 405 or 501)) await LookForSessionAsync(cancellationToken);
        return null;
    }

    /// <summary>Many servers answer a GET that they do not know as others do one of a session that they do not know: a ping tells which it is.</summary>
    private async Task LookForSessionAsync(CancellationToken cancellationToken)
    {
        try
        {
            await LinkCalls.ProbeAsync(this, cancellationToken);
        }
        catch (UpstreamException exception) when (exception.Kind == FailureKind.SessionLost)
        {
            Interlocked.CompareExchange(ref _brokenReason, exception.Message, null);
        }
    }

    private async Task<HttpResponseMessage> GetAsync(string lastEventId, CancellationToken cancellationToken)
    {
        using var get = new HttpRequestMessage(HttpMethod.Get, config.Url);
        get.Headers.TryAddWithoutValidation("Accept", "text/event-stream");
        if (lastEventId.Length > 0) get.Headers.TryAddWithoutValidation("Last-Event-ID", lastEventId);
        AddHeaders(get);
        return await SendAsync(get, cancellationToken);
    }

    private static UpstreamMessage Scan(MessageBuffer body)
    {
        try
        {
            return UpstreamMessage.Scan(body);
        }
        catch (MessageRefusedException exception)
        {
            throw new UpstreamException(FailureKind.NotMcp, $"The upstream's answer is not a message: {exception.Message}", exception);
        }
    }

    private static string MethodName(McpMethod method) => method switch
    {
        McpMethod.Initialized => McpMethodNames.Initialized,
        McpMethod.Cancelled => McpMethodNames.Cancelled,
        _ => "",
    };

    /// <summary>A plain JSON answer.</summary>
    private sealed class SingleExchange(UpstreamMessage message, HttpResponseMessage response) : UpstreamExchange
    {
        private UpstreamMessage? _message = message;

        public override ValueTask<UpstreamMessage> NextAsync(CancellationToken cancellationToken) =>
            Interlocked.Exchange(ref _message, null) is { } message
                ? ValueTask.FromResult(message)
                : throw new UpstreamException(FailureKind.OutcomeUnknown, "The upstream answered with something that is no answer.");

        public override ValueTask DisposeAsync()
        {
            Interlocked.Exchange(ref _message, null)?.Dispose();
            response.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
