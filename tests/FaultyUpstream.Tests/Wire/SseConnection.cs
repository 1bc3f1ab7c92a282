using System.Net.ServerSentEvents;
using System.Text;

namespace FaultyUpstream.Tests.Wire;

/// <summary>HTTP+SSE of 2024-11-05 by hand.</summary>
internal sealed class SseConnection : Connection
{
    private readonly HttpClient _http;
    private readonly HttpResponseMessage _stream;
    private readonly IAsyncEnumerator<SseItem<string>> _events;
    private readonly Uri _messages;

    private SseConnection(FaultyUpstreamHost host, HttpClient http, HttpResponseMessage stream, IAsyncEnumerator<SseItem<string>> events)
        : base(host) => (_http, _stream, _events, _messages) = (http, stream, events, new Uri(host.BaseAddress, events.Current.Data));

    public static async Task<SseConnection> ConnectAsync(FaultyUpstreamHost host)
    {
        var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { Timeout = TimeSpan.FromMinutes(1) };
        var response = await http.GetAsync(host.Sse, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("text/event-stream");
        var body = await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken);
        var events = SseParser.Create(body).EnumerateAsync(TestContext.Current.CancellationToken).GetAsyncEnumerator();
        (await events.MoveNextAsync()).ShouldBeTrue();
        events.Current.EventType.ShouldBe("endpoint");
        return new SseConnection(host, http, response, events);
    }

    public override async Task<string> AskAsync(string message)
    {
        using var response = await PostAsync(message);
        if ((int)response.StatusCode != 202) return await HttpConnection.TellOfAsync(response);
        return await NextAsync() is { } data ? $"stream {data}" : "the stream ended";
    }

    public override async Task TellAsync(string message)
    {
        using var response = await PostAsync(message);
        ((int)response.StatusCode).ShouldBe(202);
    }

    public Task<HttpResponseMessage> PostAsync(string message) =>
        _http.PostAsync(_messages, new StringContent(message, Encoding.UTF8, "application/json"), TestContext.Current.CancellationToken);

    /// <summary>The next event's data; null when the stream ended.</summary>
    public async Task<string?> NextAsync() =>
        await _events.MoveNextAsync().AsTask().WaitAsync(Eventually.Patience, TimeProvider.System, TestContext.Current.CancellationToken) ? _events.Current.Data : null;

    public override async ValueTask DisposeAsync()
    {
        _stream.Dispose();
        _http.Dispose();
        await Host.DisposeAsync();
    }
}
