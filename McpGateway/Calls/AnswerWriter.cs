using McpGateway.Protocol;

namespace McpGateway.Calls;

/// <summary>
/// Writes the messages of one call to its client: as plain JSON when the first one is the answer, else as an SSE stream that the
/// answer ends. The status line waits for the first message, because for a modern client an error decides it. Once the client has
/// gone everything written is dropped.
/// </summary>
internal sealed class AnswerWriter(HttpContext context, McpEra era)
{
    private readonly bool _takesStream = TakesStream(context.Request);
    private bool _streaming;

    public bool HasStarted => _streaming || context.Response.HasStarted;

    private bool ClientHasGone => context.RequestAborted.IsCancellationRequested;

    /// <summary>Writes the one message that ends the call.</summary>
    /// <param name="message">The message, whole.</param>
    /// <param name="errorCode">Its error code; 0 for a result.</param>
    /// <param name="isToolError">True for a result by which a tool says that it failed.</param>
    public Task AnswerAsync(MessageBuffer message, int errorCode = 0, bool isToolError = false)
    {
        if (errorCode != 0 || isToolError) ServerOperation.Note(context, new OperationEnd(errorCode, isToolError));
        return WriteAnswerAsync(message, era == McpEra.Modern && errorCode != 0 ? RpcErrorCode.ToModernStatus(errorCode) : StatusCodes.Status200OK);
    }

    /// <summary>Notes for the metrics which tool is called, by the client's name for it, once an upstream is known to list it.</summary>
    public void NameTool(string? tool)
    {
        if (ServerOperation.Of(context) is { } operation) operation.Tool = tool;
    }

    /// <summary>Writes a message that comes before the answer; a client that takes no stream does not get it.</summary>
    public async Task NotifyAsync(MessageBuffer message)
    {
        if (ClientHasGone || !_takesStream) return;
        StartStream();
        await WriteEventAsync(message);
    }

    /// <summary>Shows the client and the proxies between that the call is alive.</summary>
    public async Task KeepAliveAsync()
    {
        if (ClientHasGone || !_takesStream) return;
        StartStream();
        await context.Response.BodyWriter.WriteAsync(": working\n\n"u8.ToArray(), CancellationToken.None);
    }

    /// <summary>Writes an error of the gateway's own.</summary>
    public async Task FailAsync(RpcError error, ReadOnlyMemory<byte> id)
    {
        ServerOperation.Note(context, new OperationEnd(error.Code));
        if (!HasStarted && error.RetryAfter is { } wait) context.Response.Headers.RetryAfter = Math.Ceiling(Math.Max(1, wait.TotalSeconds)).ToString("0", System.Globalization.CultureInfo.InvariantCulture);
        using var message = new MessageBuffer(512);
        error.WriteTo(message, id.Span);
        // Legacy clients read the error in a 200; only what the gateway sets before it says otherwise.
        await WriteAnswerAsync(message, era == McpEra.Modern ? error.Status : context.Response.StatusCode);
    }

    private async Task WriteAnswerAsync(MessageBuffer message, int status)
    {
        if (ClientHasGone) return;
        if (_streaming)
        {
            await WriteEventAsync(message);
            return;
        }

        var response = context.Response;
        response.StatusCode = status;
        response.ContentType = "application/json";
        response.ContentLength = message.Length;
        await response.BodyWriter.WriteAsync(message.Memory, CancellationToken.None);
    }

    private static bool TakesStream(HttpRequest request)
    {
        foreach (var value in request.Headers.Accept)
        {
            if (value is not null && (value.Contains("text/event-stream", StringComparison.OrdinalIgnoreCase) || value.Contains("*/*", StringComparison.Ordinal))) return true;
        }

        return false;
    }

    private void StartStream()
    {
        if (_streaming) return;
        _streaming = true;
        var response = context.Response;
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-cache";
        response.Headers["X-Accel-Buffering"] = "no";
    }

    private async Task WriteEventAsync(MessageBuffer message)
    {
        message.FoldLines();
        using var frame = new MessageBuffer(message.Length + 32);
        frame.Write("event: message\ndata: "u8);
        frame.Write(message.Span);
        frame.Write("\n\n"u8);
        await context.Response.BodyWriter.WriteAsync(frame.Memory, CancellationToken.None);
    }
}
