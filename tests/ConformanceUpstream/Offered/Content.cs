using System.Text.Json.Nodes;

namespace ConformanceUpstream.Offered;

/// <summary>Content blocks, and the smallest files of each kind.</summary>
internal static class Content
{
    /// <summary>One red pixel.</summary>
    public const string Png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";

    /// <summary>No sound: a header and no samples.</summary>
    public const string Wav = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=";

    public static JsonObject Text(string text) => new() { ["type"] = "text", ["text"] = text };

    public static JsonObject Image() => new() { ["type"] = "image", ["data"] = Png, ["mimeType"] = "image/png" };

    public static JsonObject Audio() => new() { ["type"] = "audio", ["data"] = Wav, ["mimeType"] = "audio/wav" };

    public static JsonObject Resource(string uri, string mimeType, string text) =>
        new() { ["type"] = "resource", ["resource"] = new JsonObject { ["uri"] = uri, ["mimeType"] = mimeType, ["text"] = text } };

    public static JsonObject ToolResult(params JsonObject[] blocks) => new() { ["content"] = new JsonArray([.. blocks]) };

    public static JsonObject ToolError(string text) => new() { ["content"] = new JsonArray(Text(text)), ["isError"] = true };

    public static JsonObject UserMessage(JsonObject content) => new() { ["role"] = "user", ["content"] = content };
}
