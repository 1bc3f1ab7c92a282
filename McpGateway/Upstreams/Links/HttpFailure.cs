using System.Text;
using McpGateway.Protocol;
using McpGateway.Sessions;

namespace McpGateway.Upstreams.Links;

/// <summary>Makes of an HTTP response that is no answer, or of none, the failure it stands for in <see cref="FailureTable"/>.</summary>
internal static class HttpFailure
{
    private const int QuotedBody = 300;

    /// <summary>Says what a response that is no answer means.</summary>
    public static UpstreamException Classify(HttpResponseMessage response, ReadOnlySpan<byte> bytes, UpstreamTransport transport, bool heldSession, UpstreamConfig config, TimeProvider time)
    {
        var status = (int)response.StatusCode;
        var body = Quote(bytes);
        var said = $"HTTP {status}{(body.Length == 0 ? "" : $": {config.Secrets.Redact(body)}")}";
        var shape = FailureTable.Find(new FailureSign(transport, heldSession, status, Text: body));
        var kind = shape.Kind!.Value;
        var message = kind switch
        {
            FailureKind.Unauthorized => $"The upstream refuses the configured credential (HTTP {status}). Set it under \"headers\" of this upstream.",
            FailureKind.SessionLost => $"The upstream does not know the session any more ({said}).",
            FailureKind.Throttled => $"The upstream {(status == 429 ? "asks to slow down" : "is not available")} ({said}).",
            _ => $"The upstream answered {said}.",
        };
        return new UpstreamException(kind, message, retryAfter: kind == FailureKind.Throttled ? RetryAfter(response, time) : null, status: status) { MayBeReplica = shape.MayBeReplica, Shape = shape.Name };
    }

    public static UpstreamException From(HttpRequestException exception, UpstreamConfig config) => exception.HttpRequestError switch
    {
        HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError
            => new UpstreamException(FailureKind.Unreachable, $"The upstream at {config.Target} cannot be reached: {exception.Message}", exception),
        _ => new UpstreamException(FailureKind.OutcomeUnknown, $"The connection to {config.Target} broke: {exception.Message}", exception),
    };

    /// <summary>The client's own limit for connecting, which it reports as a cancellation.</summary>
    public static UpstreamException NotConnected(OperationCanceledException exception, UpstreamConfig config) =>
        new(FailureKind.Unreachable, $"The upstream at {config.Target} does not accept a connection: {exception.InnerException?.Message ?? exception.Message}", exception);

    public static TimeSpan? RetryAfter(HttpResponseMessage response, TimeProvider time) => response.Headers.RetryAfter switch
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
