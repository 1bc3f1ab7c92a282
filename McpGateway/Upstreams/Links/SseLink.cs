using System.Net;
using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using System.Text;
using McpGateway.Protocol;
using McpGateway.Sessions;

namespace McpGateway.Upstreams.Links;

/// <summary>HTTP+SSE of revision 2024-11-05: one GET stream for everything the server says, and a POST address that the stream names first.</summary>
internal sealed class SseLink : MultiplexedLink
{
    private const int BodyLimit = 64 * 1024;

    private readonly HttpMessageInvoker _http;
    private readonly UpstreamConfig _config;
    private readonly int _messageLimit;
    private readonly HttpResponseMessage _stream;
    private readonly TimeProvider _time;
    private readonly ReplicaRepeats _replicas = new();
    private readonly TaskCompletionSource<Uri> _endpoint = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _reading;
    private int _disposed;

    private SseLink(HttpMessageInvoker http, UpstreamConfig config, int messageLimit, HttpResponseMessage stream, TimeProvider time, ILogger logger)
        : base(config.Name, logger)
    {
        (_http, _config, _messageLimit, _stream, _time) = (http, config, messageLimit, stream, time);
        _reading = Task.Run(ReadAsync);
    }

    /// <summary>Opens the stream and waits for the address to post to.</summary>
    /// <exception cref="UpstreamException">There is no such stream at the address.</exception>
    public static async Task<SseLink> OpenAsync(HttpMessageInvoker http, UpstreamConfig config, int messageLimit, TimeProvider time, ILogger logger, CancellationToken cancellationToken)
    {
        using var get = new HttpRequestMessage(HttpMethod.Get, config.Url);
        get.Headers.TryAddWithoutValidation("Accept", "text/event-stream");
        AddHeaders(get, config);
        HttpResponseMessage response;
        try
        {
            response = await http.SendAsync(get, cancellationToken);
        }
        catch (HttpRequestException exception)
        {
            throw HttpFailure.From(exception, config);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw HttpFailure.NotConnected(exception, config);
        }

        if (!response.IsSuccessStatusCode || response.Content.Headers.ContentType?.MediaType != "text/event-stream")
        {
            using (response)
            using (var body = await HttpFailure.ReadBodyAsync(response, BodyLimit, cancellationToken)) throw HttpFailure.Classify(response, body.Span, UpstreamTransport.Sse, heldSession: false, config, time);
        }

        var link = new SseLink(http, config, messageLimit, response, time, logger);
        try
        {
            await link._endpoint.Task.WaitAsync(cancellationToken);
            return link;
        }
        catch
        {
            await link.DisposeAsync();
            throw;
        }
    }

    public override string Redact(string text) => _config.Secrets.Redact(text);

    public override UpstreamTransport Transport => UpstreamTransport.Sse;

    protected override async Task WriteAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        for (var repeats = 0; await PostAsync(message, cancellationToken) is { } refused; repeats++)
        {
            if (_replicas.Allow(refused, repeats)) continue;
            if (refused.Kind == FailureKind.SessionLost) Break(refused.Message);
            throw refused;
        }
    }

    /// <summary>Sends a message; null when it was taken, else why not.</summary>
    private async Task<UpstreamException?> PostAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        using var post = new HttpRequestMessage(HttpMethod.Post, await _endpoint.Task) { Content = new ReadOnlyMemoryContent(message) };
        post.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        AddHeaders(post, _config);
        if (Version is not null) post.Headers.TryAddWithoutValidation(McpHeader.ProtocolVersion, Version);
        try
        {
            using var response = await _http.SendAsync(post, cancellationToken);
            if (response.IsSuccessStatusCode && !MayBePage(response)) return null;
            using var body = await HttpFailure.ReadBodyAsync(response, BodyLimit, cancellationToken);
            if (response.IsSuccessStatusCode && !body.Span.TrimStart(" \t\r\n"u8).StartsWith("<"u8)) return null;
            return HttpFailure.Classify(response, body.Span, Transport, heldSession: true, _config, _time);
        }
        catch (HttpRequestException exception)
        {
            throw HttpFailure.From(exception, _config);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw HttpFailure.NotConnected(exception, _config);
        }
    }

    /// <summary>
    /// True for what a gate before the upstream may have said, as a page to sign in: then no answer will come on the stream. The revision asks for no
    /// status or type, and frameworks label a mere "ok" as HTML too, so the body decides. 202 says that the message was taken.
    /// </summary>
    private static bool MayBePage(HttpResponseMessage response) =>
        response.StatusCode != HttpStatusCode.Accepted && response.Content.Headers.ContentType?.MediaType is { } type && type.Equals("text/html", StringComparison.OrdinalIgnoreCase);

    public override async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        await base.DisposeAsync();
        _stream.Dispose();
        await _reading;
    }

    private static void AddHeaders(HttpRequestMessage request, UpstreamConfig config)
    {
        request.Headers.TryAddWithoutValidation("Accept-Encoding", "identity");
        foreach (var (name, value) in config.Headers) request.Headers.TryAddWithoutValidation(name, value);
    }

    private async Task ReadAsync()
    {
        var reason = "The upstream closed its stream.";
        try
        {
            await using var stream = await _stream.Content.ReadAsStreamAsync(Closing);
            await foreach (var item in BoundedEvents.Parse(stream, _messageLimit).EnumerateAsync(Closing)) Receive(item);
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException or ObjectDisposedException or OperationCanceledException)
        {
            reason = $"The upstream's stream broke: {exception.Message}";
        }
        catch (MessageTooLargeException exception)
        {
            reason = $"What the upstream said is too large. {exception.Message} Raise Gateway:MessageLimit to take it.";
        }

        Break(reason);
        _endpoint.TrySetException(new UpstreamException(FailureKind.NotMcp, $"{reason} It never named the address to post to."));
    }

    private void Receive(SseItem<MessageBuffer> item)
    {
        if (item.EventType != "endpoint")
        {
            Deliver(item.Data);
            return;
        }

        using (item.Data) Settle(Encoding.UTF8.GetString(item.Data.Span));
    }

    /// <summary>The address must be of the same origin: a stream must not be able to send our credentials elsewhere.</summary>
    private void Settle(string address)
    {
        var origin = _config.Url!.GetLeftPart(UriPartial.Authority);
        if (Uri.TryCreate(_config.Url, address, out var endpoint) && endpoint.GetLeftPart(UriPartial.Authority) == origin) _endpoint.TrySetResult(endpoint);
        else _endpoint.TrySetException(new UpstreamException(FailureKind.NotMcp, $"The upstream named '{address}' to post to, which is not of its own origin {origin}."));
    }
}
