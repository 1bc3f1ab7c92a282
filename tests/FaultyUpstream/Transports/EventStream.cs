using System.Globalization;
using System.Text;

namespace FaultyUpstream.Transports;

/// <summary>Server-sent events on an HTTP response.</summary>
internal static class EventStream
{
    public const string ContentType = "text/event-stream";

    public static void Start(HttpResponse response)
    {
        response.ContentType = ContentType;
        response.Headers.CacheControl = "no-cache, no-transform";
    }

    public static string Event(string data, string? name = null, string? id = null, int? retry = null)
    {
        var text = new StringBuilder();
        if (name is not null) text.Append(CultureInfo.InvariantCulture, $"event: {name}\n");
        if (id is not null) text.Append(CultureInfo.InvariantCulture, $"id: {id}\n");
        if (retry is not null) text.Append(CultureInfo.InvariantCulture, $"retry: {retry}\n");
        return text.Append("data: ").Append(data).Append("\n\n").ToString();
    }

    public static async Task WriteAsync(HttpResponse response, string text)
    {
        if (response.HttpContext.RequestAborted.IsCancellationRequested) return;
        await response.WriteAsync(text);
        await response.Body.FlushAsync();
    }
}
