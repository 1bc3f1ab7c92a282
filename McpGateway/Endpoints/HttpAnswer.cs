using System.Globalization;
using McpGateway.Calls;
using McpGateway.Endpoints.Streams;
using McpGateway.Protocol;

namespace McpGateway.Endpoints;

/// <summary>
/// The answer to a request of 2026-07-28, or to one outside any session, in the response to its POST: plain JSON when the first
/// message is the answer, else an SSE stream that the answer ends. The status line waits for the first message, because an error
/// decides it. The stream cannot be resumed, and its end cancels the request.
/// </summary>
internal sealed class HttpAnswer(HttpContext context, McpEra era, ServerOperation? operation = null) : AnswerWriter(operation)
{
    private readonly bool _takesStream = Accepts.Stream(context.Request);
    private bool _streaming;

    public override bool HasStarted => _streaming || context.Response.HasStarted;

    private bool ClientHasGone => context.RequestAborted.IsCancellationRequested;

    protected override Task WriteAnswerAsync(MessageBuffer message, int errorCode) =>
        WriteWithStatusAsync(message, era == McpEra.Modern && errorCode != 0 ? RpcErrorCode.ToModernStatus(errorCode) : StatusCodes.Status200OK);

    public override async Task NotifyAsync(MessageBuffer message)
    {
        if (ClientHasGone || !_takesStream) return;
        StartStream();
        await WriteEventAsync(message);
    }

    public override async Task KeepAliveAsync()
    {
        if (ClientHasGone || !_takesStream) return;
        StartStream();
        await context.Response.BodyWriter.WriteAsync(":\n\n"u8.ToArray(), CancellationToken.None);
    }

    protected override async Task WriteErrorAsync(RpcError error, ReadOnlyMemory<byte> id)
    {
        if (!HasStarted) SetRetryAfter(context.Response, error);
        using var message = new MessageBuffer(512);
        error.WriteTo(message, id.Span);
        // Legacy clients read the error in a 200; only what the gateway sets before it says otherwise.
        await WriteWithStatusAsync(message, era == McpEra.Modern ? error.Status : context.Response.StatusCode);
    }

    public static void SetRetryAfter(HttpResponse response, RpcError error)
    {
        if (error.RetryAfter is { } wait) response.Headers.RetryAfter = Math.Ceiling(Math.Max(1, wait.TotalSeconds)).ToString("0", CultureInfo.InvariantCulture);
    }

    /// <summary>Writes a message as a response of its own.</summary>
    public static async Task WriteJsonAsync(HttpResponse response, MessageBuffer message)
    {
        response.ContentType = "application/json";
        response.ContentLength = message.Length;
        await response.BodyWriter.WriteAsync(message.Memory, CancellationToken.None);
    }

    private async Task WriteWithStatusAsync(MessageBuffer message, int status)
    {
        if (ClientHasGone) return;
        if (_streaming)
        {
            await WriteEventAsync(message);
            return;
        }

        context.Response.StatusCode = status;
        await WriteJsonAsync(context.Response, message);
    }

    private void StartStream()
    {
        if (_streaming) return;
        _streaming = true;
        StreamConnection.Start(context.Response);
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
