using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json.Nodes;
using McpGateway.Tests.Wire;

namespace McpGateway.Tests.Streams;

/// <summary>One event as a client sees it.</summary>
internal sealed record Event(string Type, string? Id, string Data)
{
    public JsonNode Message => JsonNode.Parse(Data)!;

    public string? Method => Message["method"]?.GetValue<string>();
}

/// <summary>A client that reads a stream event by event, and leaves when it is disposed.</summary>
internal sealed class EventReader : IAsyncDisposable
{
    private readonly HttpResponseMessage _response;
    private readonly SseParser<string>? _parser;
    private readonly IAsyncEnumerator<SseItem<string>>? _events;

    private EventReader(HttpResponseMessage response, Stream stream)
    {
        _response = response;
        if (response.Content.Headers.ContentType?.MediaType != "text/event-stream") return;
        _parser = SseParser.Create(stream);
        _events = _parser.EnumerateAsync(TestContext.Current.CancellationToken).GetAsyncEnumerator(TestContext.Current.CancellationToken);
    }

    public int Status => (int)_response.StatusCode;

    public HttpResponseMessage Response => _response;

    /// <summary>What the stream asked for with <c>retry</c>.</summary>
    public TimeSpan Retry => _parser!.ReconnectionInterval;

    /// <summary>Listens outside any call, or goes on after an event.</summary>
    public static Task<EventReader> ListenAsync(GatewayProcess gateway, string path, string? session, string? after = null, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (session is not null) request.Headers.Add("Mcp-Session-Id", session);
        if (after is not null) request.Headers.Add("Last-Event-ID", after);
        return SendAsync(gateway, request, headers);
    }

    /// <summary>Posts a message and reads the stream that answers it.</summary>
    public static Task<EventReader> PostAsync(GatewayProcess gateway, string path, string body, params (string Name, string Value)[] headers) =>
        SendAsync(gateway, new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") }, headers);

    /// <summary>The next event; null at the end of the stream.</summary>
    public async Task<Event?> NextAsync()
    {
        using var patience = new CancellationTokenSource(Eventually.Patience, TimeProvider.System);
        try
        {
            if (!await _events!.MoveNextAsync().AsTask().WaitAsync(patience.Token)) return null;
            return new Event(_events.Current.EventType, _events.Current.EventId, _events.Current.Data);
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested)
        {
            throw new TimeoutException($"No event came within {Eventually.Patience.TotalSeconds:0} s.");
        }
    }

    /// <summary>The next event that holds a message.</summary>
    public async Task<Event> NextMessageAsync()
    {
        while (true)
        {
            var next = await NextAsync();
            next.ShouldNotBeNull("the stream ended");
            if (next.Data.Length > 0) return next;
        }
    }

    public ValueTask DisposeAsync()
    {
        _response.Dispose();
        return ValueTask.CompletedTask;
    }

    private static async Task<EventReader> SendAsync(GatewayProcess gateway, HttpRequestMessage request, (string Name, string Value)[] headers)
    {
        using (request)
        {
            if (!headers.Any(header => header.Name == "Accept")) request.Headers.TryAddWithoutValidation("Accept", "application/json, text/event-stream");
            foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
            var response = await gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
            return new EventReader(response, await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        }
    }
}
