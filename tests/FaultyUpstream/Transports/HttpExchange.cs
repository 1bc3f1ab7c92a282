using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using FaultyUpstream.Faults;
using FaultyUpstream.Server;
using FaultyUpstream.Sessions;

namespace FaultyUpstream.Transports;

/// <summary>
/// One HTTP request and its response. Invariant: <c>_writes</c>, guarded by <c>_gate</c>, is a chain: notifications and the answer come from different tasks, and events must not mix.
/// A legacy client that disconnects does not cancel: what it would have got is dropped.
/// </summary>
internal class HttpExchange(HttpContext context, FaultyServer server, ServerSession? session) : Exchange
{
    public const string SessionHeader = "Mcp-Session-Id";

    private readonly Lock _gate = new();
    private Task _writes = Task.CompletedTask;
    private ServerSession? _session = session;

    public override CancellationToken Abandoned => context.RequestAborted;

    protected FaultyServer Server => server;

    private HttpResponse Response => context.Response;

    public override void Opened(ServerSession session)
    {
        _session = session;
        Response.Headers[SessionHeader] = session.Id;
    }

    public override Task NotifyAsync(JsonObject notification) => WriteEventAsync(EventStream.Event(notification.ToJsonString(), "message"));

    public override async Task AnswerAsync(JsonObject answer, int status, bool? inStream = null)
    {
        if (Response.HasStarted || (inStream ?? (server.AnswerForm == AnswerForm.Stream && status == StatusCodes.Status200OK)))
        {
            await WriteEventAsync(EventStream.Event(answer.ToJsonString(), "message"));
            return;
        }

        await RespondAsync(status, "application/json", answer.ToJsonString());
    }

    public override Task TakeAsync()
    {
        Response.StatusCode = StatusCodes.Status202Accepted;
        return Task.CompletedTask;
    }

    public override async Task EndAsync()
    {
        if (_session?.DiedHard == true) context.Abort();
        if (Response.HasStarted || context.RequestAborted.IsCancellationRequested) return;
        EventStream.Start(Response);
        await Response.Body.FlushAsync();
    }

    public override Task RefuseAsync(FaultAct.Status status, Fault fault)
    {
        if (fault.RetryAfter is { } seconds) Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        if (status.Code == StatusCodes.Status307TemporaryRedirect) Response.Headers.Location = fault.Location;
        if (status.Code == StatusCodes.Status401Unauthorized) Response.Headers.WWWAuthenticate = "Bearer realm=\"faulty-upstream\", error=\"invalid_token\"";
        // So that "the first N connections" is something a client with kept connections gets past.
        if (fault.Connections is not null) Response.Headers.Connection = "close";
        return RespondAsync(status.Code, status.ContentType, status.Body);
    }

    public override async Task StaySilentAsync(FaultAct.Silence silence)
    {
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var left = context.RequestAborted.Register(() => gone.TrySetResult());
        await using var ended = _session?.Ended.Register(() => gone.TrySetResult()) ?? default;
        await gone.Task;
        if (!context.RequestAborted.IsCancellationRequested) context.Abort();
    }

    /// <summary>
    /// Sends a chunked body without its last chunk and closes the connection in good order: the client is sure to read what came before
    /// the break, which a reset would take away.
    /// </summary>
    public override async Task BreakOffAsync(FaultAct.Fragment fragment, Fault fault, JsonObject answer)
    {
        var text = answer.ToJsonString();
        if (fragment.InStream) EventStream.Start(Response);
        else Response.ContentType = "application/json";
        Response.Headers.TransferEncoding = "chunked";
        Response.Headers.Connection = "close";
        if (fragment.InStream) text = $"event: message\ndata: {text}";
        var before = fragment.InStream && fault.EventId ? EventStream.Event("", id: Keep(Task.FromResult<JsonObject?>(answer))) : "";
        await WriteChunkAsync(before + text[..(text.Length / 2)]);
    }

    public override async Task CloseResumableAsync(Fault fault, Task<JsonObject?> answer)
    {
        var id = Keep(answer);
        await WriteEventAsync(EventStream.Event("", id: id, retry: fault.RetryMs));
    }

    public override Task DieAsync()
    {
        context.Abort();
        return Task.CompletedTask;
    }

    private string Keep(Task<JsonObject?> answer)
    {
        var id = Guid.NewGuid().ToString("N");
        _session?.Resumable.TryAdd(id, answer);
        return id;
    }

    private Task WriteEventAsync(string text)
    {
        lock (_gate) return _writes = WriteAfterAsync(_writes, text);
    }

    private async Task WriteAfterAsync(Task earlier, string text)
    {
        await earlier;
        if (!Response.HasStarted) EventStream.Start(Response);
        await EventStream.WriteAsync(Response, text);
    }

    private async Task RespondAsync(int status, string? contentType, string body)
    {
        Response.StatusCode = status;
        if (contentType is null) return;
        Response.ContentType = contentType;
        var bytes = Encoding.UTF8.GetBytes(body);
        Response.ContentLength = bytes.Length;
        await Response.Body.WriteAsync(bytes);
    }

    private async Task WriteChunkAsync(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        await Response.WriteAsync($"{bytes.Length:x}\r\n");
        await Response.Body.WriteAsync(bytes);
        await Response.WriteAsync("\r\n");
        await Response.Body.FlushAsync();
    }
}
