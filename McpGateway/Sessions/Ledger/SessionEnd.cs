using System.Net;
using McpGateway.Protocol;
using McpGateway.Upstreams;

namespace McpGateway.Sessions.Ledger;

/// <summary>Ends a session at its upstream of which there is only the entry.</summary>
internal static class SessionEnd
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    /// <summary>Sends DELETE. Whatever a living upstream answers is its last word; null then, else why there was none.</summary>
    public static async Task<string?> SendAsync(HttpMessageInvoker http, SessionSecret secret, UpstreamConfig? config, TimeProvider time, CancellationToken cancellationToken)
    {
        using var delete = new HttpRequestMessage(HttpMethod.Delete, secret.Url);
        // A credential goes only where it is configured for.
        if (config?.Url is { } url && Uri.Compare(url, secret.Url, UriComponents.SchemeAndServer, UriFormat.Unescaped, StringComparison.OrdinalIgnoreCase) == 0)
        {
            foreach (var (name, value) in config.Headers) delete.Headers.TryAddWithoutValidation(name, value);
        }

        delete.Headers.TryAddWithoutValidation(McpHeader.ProtocolVersion, secret.Server.Version);
        delete.Headers.TryAddWithoutValidation(McpHeader.SessionId, secret.SessionId);
        using var deadline = new CancellationTokenSource(s_patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            using var response = await http.SendAsync(delete, either.Token);
            return response.StatusCode is HttpStatusCode.TooManyRequests or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout
                ? $"HTTP {(int)response.StatusCode}"
                : null;
        }
        catch (HttpRequestException exception)
        {
            return exception.Message;
        }
        catch (OperationCanceledException)
        {
            return cancellationToken.IsCancellationRequested ? "it was given up" : $"no answer within {s_patience.TotalSeconds:0} s";
        }
    }
}
