using System.Text;
using System.Text.Json.Nodes;

namespace ConformanceUpstream.Transports;

/// <summary>The response to one POST: JSON, or a stream of events from the first event on. Not for use by two at once.</summary>
internal sealed class HttpAnswer(HttpContext context)
{
    public const string EventStream = "text/event-stream";

    public bool IsStream { get; private set; }

    public async Task StreamAsync(string data, string? id = null, int? retry = null, string? name = null)
    {
        Begin();
        var text = new StringBuilder();
        if (name is not null) text.Append("event: ").Append(name).Append('\n');
        if (id is not null) text.Append("id: ").Append(id).Append('\n');
        if (retry is not null) text.Append("retry: ").Append(retry.Value).Append('\n');
        text.Append("data: ").Append(data).Append("\n\n");
        await context.Response.WriteAsync(text.ToString(), context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
    }

    /// <summary>Starts the stream without an event, so that the client sees that it is open.</summary>
    public Task OpenAsync()
    {
        Begin();
        return context.Response.Body.FlushAsync(context.RequestAborted);
    }

    public async Task EndAsync(JsonObject answer, int status = StatusCodes.Status200OK)
    {
        if (IsStream)
        {
            await StreamAsync(answer.ToJsonString(), name: "message");
            return;
        }

        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(answer.ToJsonString(), context.RequestAborted);
    }

    public Task RefuseAsync(int status, int code, string message, JsonNode? id = null) => EndAsync(Rpc.Error(id, code, message), status);

    /// <summary>Reads the message of a POST; null when it was refused.</summary>
    public async Task<RpcMessage?> ReadAsync()
    {
        var accepts = context.Request.Headers.Accept.ToString();
        if (!accepts.Contains("application/json", StringComparison.OrdinalIgnoreCase) || !accepts.Contains(EventStream, StringComparison.OrdinalIgnoreCase))
        {
            await RefuseAsync(StatusCodes.Status406NotAcceptable, RpcCode.Refused, $"Not Acceptable: a client accepts both application/json and {EventStream}.");
            return null;
        }

        return await ReadBodyAsync();
    }

    /// <summary>As <see cref="ReadAsync"/>, for a client whose answers come elsewhere.</summary>
    public async Task<RpcMessage?> ReadBodyAsync()
    {
        if (!context.Request.HasJsonContentType())
        {
            await RefuseAsync(StatusCodes.Status415UnsupportedMediaType, RpcCode.Refused, "Unsupported Media Type: Content-Type must be application/json.");
            return null;
        }

        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        try
        {
            return RpcMessage.Parse(body.ToArray());
        }
        catch (RpcException error)
        {
            await EndAsync(error.Answer(null), StatusCodes.Status400BadRequest);
            return null;
        }
    }

    private void Begin()
    {
        if (IsStream) return;
        IsStream = true;
        context.Response.ContentType = EventStream;
        context.Response.Headers.CacheControl = "no-cache, no-transform";
    }
}
