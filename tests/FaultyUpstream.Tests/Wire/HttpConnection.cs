using System.Net.ServerSentEvents;
using System.Text;

namespace FaultyUpstream.Tests.Wire;

/// <summary>Streamable HTTP by hand.</summary>
internal sealed class HttpConnection(FaultyUpstreamHost host, bool owns = true) : Connection(host)
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { AllowAutoRedirect = false }) { Timeout = TimeSpan.FromMinutes(1) };

    public string? Session { get; set; }

    public HttpClient Http => _http;

    public override async Task<string> AskAsync(string message)
    {
        using var response = await PostAsync(message);
        if (response.Headers.TryGetValues("Mcp-Session-Id", out var ids)) Session = ids.Single();
        return await TellOfAsync(response);
    }

    public override async Task TellAsync(string message)
    {
        using var response = await PostAsync(message);
        ((int)response.StatusCode).ShouldBe(202);
    }

    public async Task<HttpResponseMessage> PostAsync(string message, CancellationToken cancellationToken = default, params (string Name, string Value)[] headers)
    {
        using var request = Request(HttpMethod.Post, headers);
        request.Content = new StringContent(message, Encoding.UTF8, "application/json");
        return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
    }

    public async Task<HttpResponseMessage> GetAsync(params (string Name, string Value)[] headers)
    {
        using var request = Request(HttpMethod.Get, headers);
        return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
    }

    public async Task<HttpResponseMessage> DeleteAsync()
    {
        using var request = Request(HttpMethod.Delete, []);
        return await _http.SendAsync(request, TestContext.Current.CancellationToken);
    }

    public static async Task<string> TellOfAsync(HttpResponseMessage response)
    {
        var type = response.Content.Headers.ContentType?.MediaType;
        var body = type == "text/event-stream" ? (await EventsAsync(response)).Last(e => e.Data.Length > 0).Data : await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return $"{(int)response.StatusCode} {type} {body}";
    }

    public static async Task<IReadOnlyList<SseItem<string>>> EventsAsync(HttpResponseMessage response)
    {
        var events = new List<SseItem<string>>();
        await using var stream = await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken);
        await foreach (var e in SseParser.Create(stream).EnumerateAsync(TestContext.Current.CancellationToken)) events.Add(e);
        return events;
    }

    public override async ValueTask DisposeAsync()
    {
        _http.Dispose();
        if (owns) await Host.DisposeAsync();
    }

    private HttpRequestMessage Request(HttpMethod method, (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(method, Host.Mcp);
        request.Headers.TryAddWithoutValidation("Accept", "application/json, text/event-stream");
        if (Session is not null) request.Headers.TryAddWithoutValidation("Mcp-Session-Id", Session);
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        return request;
    }
}
