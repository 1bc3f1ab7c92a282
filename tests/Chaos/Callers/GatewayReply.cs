using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json.Nodes;

namespace Chaos.Callers;

/// <summary>An HTTP answer of the gateway; <paramref name="Message"/> is its last message, null when there was none.</summary>
internal sealed record GatewayReply(int Status, JsonNode? Message, string? Session)
{
    public string? Text => Message?["result"]?["content"]?[0]?["text"]?.GetValue<string>();

    public int? ErrorCode => Message?["error"]?["code"]?.GetValue<int>();

    public bool IsToolError => Message?["result"]?["isError"]?.GetValue<bool>() == true;

    public static async Task<GatewayReply> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var text = await response.Content.ReadAsStringAsync(cancellationToken);
        var session = response.Headers.TryGetValues("Mcp-Session-Id", out var ids) ? ids.Single() : null;
        return new GatewayReply((int)response.StatusCode, LastMessage(text, response.Content.Headers.ContentType?.MediaType), session);
    }

    public override string ToString() => $"HTTP {Status} {Message?.ToJsonString()}";

    private static JsonNode? LastMessage(string text, string? type)
    {
        if (text.Length == 0) return null;
        if (type != "text/event-stream") return JsonNode.Parse(text);
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(text));
        return SseParser.Create(stream).Enumerate().Select(item => JsonNode.Parse(item.Data)).LastOrDefault();
    }
}
