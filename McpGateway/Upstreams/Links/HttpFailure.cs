using System.Net;
using System.Text;
using McpGateway.Protocol;
using McpGateway.Sessions;

namespace McpGateway.Upstreams.Links;

/// <summary>
/// Tells from an HTTP failure whether the session is lost, and whether the call can have run. Codes in -32000…-32019 mean
/// nothing alone; what decides is the status and whether a session was held.
/// </summary>
internal static class HttpFailure
{
    private const int QuotedBody = 300;

    /// <summary>Words by which servers of the legacy kind say that they do not know a session, in a 400, 422 or 503.</summary>
    private static readonly string[] s_lostSessionWords = ["session", "not initialized", "initialize request"];

    /// <summary>Says what a response that is no answer means.</summary>
    public static UpstreamException Classify(HttpResponseMessage response, ReadOnlySpan<byte> bytes, bool heldSession, UpstreamConfig config, TimeProvider time)
    {
        var status = response.StatusCode;
        var body = config.Redact(Quote(bytes));
        var said = $"HTTP {(int)status}{(body.Length == 0 ? "" : $": {body}")}";
        return status switch
        {
            HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => new UpstreamException(FailureKind.Unauthorized,
                $"The upstream refuses the configured credential (HTTP {(int)status}). Set it under \"headers\" of this upstream.", status: (int)status),
            HttpStatusCode.TooManyRequests => new UpstreamException(FailureKind.Throttled, $"The upstream asks to slow down ({said}).", retryAfter: RetryAfter(response, time), status: (int)status),
            HttpStatusCode.NotFound when heldSession => new UpstreamException(FailureKind.SessionLost, $"The upstream does not know the session any more ({said}).", status: (int)status),
            HttpStatusCode.BadRequest or HttpStatusCode.UnprocessableEntity or HttpStatusCode.ServiceUnavailable when heldSession && SpeaksOfSession(body)
                => new UpstreamException(FailureKind.SessionLost, $"The upstream does not know the session any more ({said}).", status: (int)status),
            HttpStatusCode.ServiceUnavailable => new UpstreamException(FailureKind.Throttled, $"The upstream is not available ({said}).", retryAfter: RetryAfter(response, time), status: (int)status),
            _ => new UpstreamException(FailureKind.NotMcp, $"The upstream answered {said}.", status: (int)status),
        };
    }

    public static UpstreamException From(HttpRequestException exception, Uri url) => exception.HttpRequestError switch
    {
        HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError
            => new UpstreamException(FailureKind.Unreachable, $"The upstream at {url.GetLeftPart(UriPartial.Path)} cannot be reached: {exception.Message}", exception),
        _ => new UpstreamException(FailureKind.OutcomeUnknown, $"The connection to {url.GetLeftPart(UriPartial.Path)} broke: {exception.Message}", exception),
    };

    /// <summary>The client's own limit for connecting, which it reports as a cancellation.</summary>
    public static UpstreamException NotConnected(OperationCanceledException exception, Uri url) =>
        new(FailureKind.Unreachable, $"The upstream at {url.GetLeftPart(UriPartial.Path)} does not accept a connection: {exception.InnerException?.Message ?? exception.Message}", exception);

    private static bool SpeaksOfSession(string body) => s_lostSessionWords.Any(word => body.Contains(word, StringComparison.OrdinalIgnoreCase));

    private static TimeSpan? RetryAfter(HttpResponseMessage response, TimeProvider time) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } when date > time.GetUtcNow() => date - time.GetUtcNow(),
        _ => null,
    };

    /// <summary>Reads a whole body.</summary>
    /// <exception cref="UpstreamException">It was cut off, or is too large.</exception>
    public static async Task<MessageBuffer> ReadBodyAsync(HttpResponseMessage response, int limit, CancellationToken cancellationToken)
    {
        try
        {
            await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
            return await MessageBuffer.ReadAsync(stream, limit, cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException)
        {
            throw new UpstreamException(FailureKind.OutcomeUnknown, $"The answer was cut off: {exception.Message}", exception);
        }
        catch (MessageTooLargeException exception)
        {
            throw new UpstreamException(FailureKind.OutcomeUnknown, $"The answer is too large. {exception.Message} Raise Gateway:MessageLimit to take it.", exception);
        }
    }

    /// <summary>The JSON-RPC error that a body holds; null when it holds none.</summary>
    public static UpstreamMessage? TryReadError(ReadOnlySpan<byte> body)
    {
        try
        {
            var message = UpstreamMessage.Scan(MessageBuffer.CopyOf(body));
            if (message.Shape.Kind == MessageKind.Error) return message;
            message.Dispose();
        }
        catch (MessageRefusedException)
        {
            // HTML, plain text, or JSON of another kind: the status alone speaks.
        }

        return null;
    }

    private static string Quote(ReadOnlySpan<byte> body)
    {
        var text = Encoding.UTF8.GetString(body[..Math.Min(body.Length, 4 * QuotedBody)]).ReplaceLineEndings(" ").Trim();
        return text.Length <= QuotedBody ? text : text[..QuotedBody] + "…";
    }
}
