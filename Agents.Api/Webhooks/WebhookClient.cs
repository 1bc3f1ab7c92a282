using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using Microsoft.Extensions.Options;

namespace Agents.Api.Webhooks;

/// <summary>What came of an attempt.</summary>
/// <param name="Delivered">Whether the receiver took the message.</param>
/// <param name="Reason">Why not.</param>
/// <param name="Final">Whether another attempt would be in vain.</param>
/// <param name="RetryAfter">When the receiver wants the next attempt.</param>
internal sealed record WebhookResult(bool Delivered, string? Reason = null, bool Final = false, TimeSpan? RetryAfter = null);

/// <summary>Sends signed messages. It follows no redirect, keeps no cookie, uses no proxy and tells no trace.</summary>
internal sealed class WebhookClient : IDisposable
{
    private readonly WebhookOptions _options;
    private readonly TimeProvider _time;
    private readonly HttpClient _http;

    public WebhookClient(IOptions<WebhookOptions> options, WebhookAddresses addresses, TimeProvider time)
    {
        (_options, _time) = (options.Value, time);
        // Not from the factory: its clients repeat requests by themselves, and the addresses are judged here.
        _http = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = (context, cancellationToken) => addresses.ConnectAsync(context.DnsEndPoint, cancellationToken),
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            ActivityHeadersPropagator = null,
            PooledConnectionLifetime = TimeSpan.FromMinutes(1),
        }) { Timeout = Timeout.InfiniteTimeSpan };
        _http.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("agents-api-webhooks", "1.0"));
    }

    /// <summary>Makes one attempt. Only the end of the service is thrown.</summary>
    public async Task<WebhookResult> SendAsync(string id, Uri url, byte[] body, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(_options.Timeout, _time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        using var request = Request(id, url, body);
        try
        {
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, linked.Token);
            return Judge(response);
        }
        catch (HttpRequestException error) when (error.InnerException is WebhookRefusedException refused)
        {
            return new(false, refused.Message, Final: true);
        }
        catch (HttpRequestException error)
        {
            return new(false, error.Message);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new(false, $"no answer within {_options.Timeout.TotalSeconds:0} s (Webhooks:Timeout)");
        }
    }

    public void Dispose() => _http.Dispose();

    private HttpRequestMessage Request(string id, Uri url, byte[] body)
    {
        var now = _time.GetUtcNow().ToUnixTimeSeconds();
        var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Add("webhook-id", id);
        request.Headers.Add("webhook-timestamp", now.ToString(CultureInfo.InvariantCulture));
        request.Headers.Add("webhook-signature", WebhookSignature.Of(_options.Secrets, id, now, body));
        return request;
    }

    // Standard Webhooks: 2xx is delivered, 410 says that nobody wants these any more, anything else, a redirect included, is a failure.
    private WebhookResult Judge(HttpResponseMessage response)
    {
        if (response.IsSuccessStatusCode)
            return new(true);
        var wait = response.Headers.RetryAfter;
        return new(false, $"it answered {(int)response.StatusCode}", response.StatusCode == HttpStatusCode.Gone, wait?.Delta ?? wait?.Date - _time.GetUtcNow());
    }
}
