using System.Text.Json.Nodes;

namespace ConformanceUpstream.Offered;

/// <summary>The resources the suite reads in both eras.</summary>
internal static class Resources
{
    /// <summary>The resource one can subscribe to.</summary>
    public const string Watched = "test://watched-resource";

    private const string TemplateStart = "test://template/";
    private const string TemplateEnd = "/data";

    public static JsonObject List() => new()
    {
        ["resources"] = new JsonArray(
            Listed("test://static-text", "static-text", "A text that never changes", "text/plain"),
            Listed("test://static-binary", "static-binary", "An image that never changes", "image/png"),
            Listed(Watched, "watched-resource", "A text one can subscribe to", "text/plain")),
    };

    public static JsonObject ListTemplates() => new()
    {
        ["resourceTemplates"] = new JsonArray(new JsonObject
        {
            ["uriTemplate"] = $"{TemplateStart}{{id}}{TemplateEnd}",
            ["name"] = "template",
            ["description"] = "Data of an id",
            ["mimeType"] = "application/json",
        }),
    };

    /// <param name="message">What to read.</param>
    /// <param name="notFound">The code of the error for a resource that is not there: it changed with the eras (SEP-2164).</param>
    /// <exception cref="RpcException">There is no such resource.</exception>
    public static JsonObject Read(RpcMessage message, int notFound)
    {
        var uri = RpcMessage.TextOf(message.Params["uri"]) ?? throw new RpcException(RpcCode.InvalidParams, "params.uri is missing.");
        return uri switch
        {
            "test://static-text" => Text(uri, "text/plain", "This is the content of the static text resource."),
            Watched => Text(uri, "text/plain", "This is the content of the watched resource."),
            "test://static-binary" => new JsonObject { ["contents"] = new JsonArray(new JsonObject { ["uri"] = uri, ["mimeType"] = "image/png", ["blob"] = Content.Png }) },
            _ when TemplateId(uri) is { } id => Text(uri, "application/json", new JsonObject { ["id"] = id, ["templateTest"] = true, ["data"] = $"Data for ID: {id}" }.ToJsonString()),
            _ => throw new RpcException(notFound, $"Resource not found: {uri}", new JsonObject { ["uri"] = uri }),
        };
    }

    private static string? TemplateId(string uri) =>
        uri.StartsWith(TemplateStart, StringComparison.Ordinal) && uri.EndsWith(TemplateEnd, StringComparison.Ordinal) && uri.Length > TemplateStart.Length + TemplateEnd.Length
            ? uri[TemplateStart.Length..^TemplateEnd.Length]
            : null;

    private static JsonObject Text(string uri, string mimeType, string text) =>
        new() { ["contents"] = new JsonArray(new JsonObject { ["uri"] = uri, ["mimeType"] = mimeType, ["text"] = text }) };

    private static JsonObject Listed(string uri, string name, string description, string mimeType) =>
        new() { ["uri"] = uri, ["name"] = name, ["description"] = description, ["mimeType"] = mimeType };
}
