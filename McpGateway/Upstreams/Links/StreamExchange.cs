using System.Net.ServerSentEvents;
using McpGateway.Protocol;
using McpGateway.Sessions;

namespace McpGateway.Upstreams.Links;

/// <summary>
/// An SSE stream of messages that answers one POST. A stream that ends early after an event id is no failure: the rest is fetched
/// by GET with <c>Last-Event-ID</c>, after the pause that the upstream asked for. Disposing it before its end closes the connection,
/// which for a modern upstream is the cancellation.
/// </summary>
/// <param name="response">The response to the POST.</param>
/// <param name="stream">Its body.</param>
/// <param name="settled">Says whether a message needs nobody beyond the link.</param>
/// <param name="resume">Asks for what comes after an event; null when the revision has no such thing.</param>
/// <param name="time">For the pauses.</param>
internal sealed class StreamExchange(
    HttpResponseMessage response,
    Stream stream,
    Func<UpstreamMessage, bool> settled,
    Func<string, CancellationToken, Task<HttpResponseMessage>>? resume,
    TimeProvider time) : UpstreamExchange
{
    /// <summary>Resumptions in a row that bring no message.</summary>
    private const int FruitlessResumptions = 20;

    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromMinutes(1);

    private HttpResponseMessage _response = response;
    private SseParser<MessageBuffer> _parser = Parse(stream);
    private IAsyncEnumerator<SseItem<MessageBuffer>>? _events;
    private string _lastId = "";
    private TimeSpan _retry = s_pause;
    private int _fruitless;

    public override async ValueTask<UpstreamMessage> NextAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var (message, broken) = await ReadAsync(cancellationToken);
            if (message is not null) return message;
            if (_lastId.Length == 0 || resume is null || _fruitless++ >= FruitlessResumptions)
                throw new UpstreamException(FailureKind.OutcomeUnknown, broken is null ? "The answer's stream ended without an answer." : $"The answer's stream broke: {broken.Message}", broken);
            await ResumeAsync(cancellationToken);
        }
    }

    public override async ValueTask DisposeAsync()
    {
        _response.Dispose();
        if (_events is not null) await _events.DisposeAsync();
    }

    /// <summary>The next message of the stream that is open; null at its end, with what broke it.</summary>
    private async ValueTask<(UpstreamMessage? Message, Exception? Broken)> ReadAsync(CancellationToken cancellationToken)
    {
        // The parser has no token per read: closing the stream is what ends a pending one.
        await using var cut = cancellationToken.UnsafeRegister(static response => ((HttpResponseMessage)response!).Dispose(), _response);
        Exception? broken = null;
        try
        {
            _events ??= _parser.EnumerateAsync(CancellationToken.None).GetAsyncEnumerator(CancellationToken.None);
            while (await _events.MoveNextAsync())
            {
                var buffer = _events.Current.Data;
                if (buffer.Length == 0 || _events.Current.EventType != "message") { buffer.Dispose(); continue; }
                var message = UpstreamMessage.Scan(buffer);
                _fruitless = 0;
                if (message.IsAnswer || !settled(message)) return (message, null);
                message.Dispose();
            }
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException or ObjectDisposedException or MessageRefusedException or OperationCanceledException)
        {
            broken = exception;
        }

        cancellationToken.ThrowIfCancellationRequested();
        Note();
        return (null, broken);
    }

    /// <summary>Takes over from a stream that ended where it can be gone on with, and when.</summary>
    private void Note()
    {
        if (_parser.LastEventId.Length > 0) _lastId = _parser.LastEventId;
        if (_parser.ReconnectionInterval >= TimeSpan.Zero) _retry = _parser.ReconnectionInterval < s_longestPause ? _parser.ReconnectionInterval : s_longestPause;
    }

    private async Task ResumeAsync(CancellationToken cancellationToken)
    {
        await Task.Delay(_retry, time, cancellationToken);
        HttpResponseMessage next;
        try
        {
            next = await resume!(_lastId, cancellationToken);
        }
        catch (UpstreamException exception) when (exception.Kind is FailureKind.Unreachable or FailureKind.Throttled)
        {
            // The answer may still be fetched later.
            if (exception.RetryAfter is { } asked && asked < s_longestPause) _retry = asked;
            return;
        }

        await DisposeAsync();
        _response = next;
        _parser = Parse(await next.Content.ReadAsStreamAsync(cancellationToken));
        _events = null;
    }

    private static SseParser<MessageBuffer> Parse(Stream stream) => SseParser.Create(stream, static (_, data) => MessageBuffer.CopyOf(data));
}
