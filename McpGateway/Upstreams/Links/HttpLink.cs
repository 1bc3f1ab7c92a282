using System.Diagnostics;
using System.Net;
using System.Net.ServerSentEvents;
using McpGateway.Protocol;
using McpGateway.Sessions;

namespace McpGateway.Upstreams.Links;

/// <summary>
/// Streamable HTTP: one POST per message, answered with JSON or with an SSE stream. Holds the session id of a legacy
/// upstream, which leaves this class in its own requests and, sealed, in the ledger.
/// </summary>
internal sealed class HttpLink(HttpMessageInvoker http, UpstreamConfig config, int messageLimit, TimeProvider time, ILogger logger) : UpstreamLink
{
    private string? _sessionId;
    private string? _brokenReason;
    private volatile bool _left;

    /// <summary>The session of an earlier link, to go on with it.</summary>
    public string? SessionId { init => _sessionId = value; }

    public override string? ResumableId => _sessionId;

    public override bool KeepsSession => _sessionId is not null;

    public override bool NeedsProbe => KeepsSession;

    public override bool ClosingCancels => Version == McpVersion.Modern;

    public override string? BrokenReason => Volatile.Read(ref _brokenReason);

    public override async Task<UpstreamExchange> SendRequestAsync(OutgoingRequest request, CancellationToken cancellationToken)
    {
        using var post = Post(request.Bytes, request.MethodName, request.Name, request.Parameters);
        var response = await SendAsync(post, cancellationToken);
        try
        {
            return await ReadExchangeAsync(response, cancellationToken);
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    public override async Task SendNotificationAsync(ReadOnlyMemory<byte> message, McpMethod method, CancellationToken cancellationToken)
    {
        using var post = Post(message, MethodName(method), null, null);
        using var response = await SendAsync(post, cancellationToken);
        if (response.IsSuccessStatusCode) return;
        using var body = await HttpFailure.ReadBodyAsync(response, messageLimit, cancellationToken);
        throw HttpFailure.Classify(response, body.Span, _sessionId is not null, config, time);
    }

    public override void Leave() => _left = true;

    /// <summary>Ends the session with DELETE, as the specification asks of a client that leaves; an upstream that does not care answers 405.</summary>
    public override async ValueTask DisposeAsync()
    {
        var session = _sessionId;
        if (Interlocked.CompareExchange(ref _brokenReason, "closed", null) is not null || session is null || _left) return;
        using var delete = new HttpRequestMessage(HttpMethod.Delete, config.Url);
        AddHeaders(delete);
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(5), time);
        try
        {
            using var response = await http.SendAsync(delete, deadline.Token);
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException)
        {
            logger.DeleteFailed(config.Name, exception);
        }
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
            throw HttpFailure.From(exception, config.Url!);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw HttpFailure.NotConnected(exception, config.Url!);
        }
    }

    private async Task<UpstreamExchange> ReadExchangeAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.Headers.NonValidated.TryGetValues(McpHeader.SessionId, out var ids)) _sessionId ??= ids.First();
        if (response.StatusCode == HttpStatusCode.OK && HasType(response, "text/event-stream"))
            return new StreamExchange(response, await response.Content.ReadAsStreamAsync(cancellationToken), WriteAnswerAsync);

        var body = await HttpFailure.ReadBodyAsync(response, messageLimit, cancellationToken);
        if (response.StatusCode == HttpStatusCode.OK && HasType(response, "application/json")) return new SingleExchange(Scan(body), response);
        using (body)
        {
            var failure = HttpFailure.Classify(response, body.Span, _sessionId is not null, config, time);
            // A status with a JSON-RPC error in its body is an answer, unless the status says that the call never got so far.
            if (failure.Kind == FailureKind.NotMcp && HttpFailure.TryReadError(body.Span) is { } error) return new SingleExchange(error, response);
            if (failure.Kind == FailureKind.SessionLost) Interlocked.CompareExchange(ref _brokenReason, failure.Message, null);
            throw failure;
        }
    }

    /// <summary>Compared as it stands: parsing it into an object would cost more than the rest of the headers.</summary>
    private static bool HasType(HttpResponseMessage response, string type)
    {
        if (!response.Content.Headers.NonValidated.TryGetValues("Content-Type", out var values)) return false;
        var value = values.ToString().AsSpan();
        var end = value.IndexOf(';');
        return (end < 0 ? value : value[..end]).Trim().Equals(type, StringComparison.OrdinalIgnoreCase);
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

    /// <summary>Answers a request that the upstream made within a call. That it does not take the answer says nothing of the call, which runs already.</summary>
    private async Task WriteAnswerAsync(byte[] answer, CancellationToken cancellationToken)
    {
        try
        {
            await SendNotificationAsync(answer, McpMethod.None, cancellationToken);
        }
        catch (UpstreamException exception)
        {
            logger.AnswerNotTaken(config.Name, exception.Message);
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

    /// <summary>An SSE stream of messages. Disposing it before its end closes the connection, which for a modern upstream is the cancellation.</summary>
    private sealed class StreamExchange(HttpResponseMessage response, Stream stream, Func<byte[], CancellationToken, Task> answer) : UpstreamExchange
    {
        private readonly IAsyncEnumerator<SseItem<MessageBuffer>> _events =
            SseParser.Create(stream, static (_, data) => MessageBuffer.CopyOf(data)).EnumerateAsync().GetAsyncEnumerator();

        public override async ValueTask<UpstreamMessage> NextAsync(CancellationToken cancellationToken)
        {
            // The parser has no token per read: closing the stream is what ends a pending one.
            await using var cut = cancellationToken.UnsafeRegister(static response => ((HttpResponseMessage)response!).Dispose(), response);
            try
            {
                while (await _events.MoveNextAsync())
                {
                    var buffer = _events.Current.Data;
                    if (buffer.Length == 0 || _events.Current.EventType != "message") { buffer.Dispose(); continue; }
                    var message = UpstreamMessage.Scan(buffer);
                    if (message.Shape.Kind != MessageKind.Request) return message;
                    using (message) await answer(ServerRequest.Answer(message.Shape, message.Bytes.Span), cancellationToken);
                }
            }
            catch (Exception exception) when (exception is IOException or HttpRequestException or ObjectDisposedException or MessageRefusedException or OperationCanceledException)
            {
                cancellationToken.ThrowIfCancellationRequested();
                throw new UpstreamException(FailureKind.OutcomeUnknown, $"The answer's stream broke: {exception.Message}", exception);
            }

            cancellationToken.ThrowIfCancellationRequested();
            throw new UpstreamException(FailureKind.OutcomeUnknown, "The answer's stream ended without an answer.");
        }

        public override async ValueTask DisposeAsync()
        {
            response.Dispose();
            await _events.DisposeAsync();
        }
    }
}
