using System.Text.Json.Nodes;

namespace FaultyUpstream.Tests.Wire;

/// <summary>Messages as a client writes them.</summary>
internal static class Messages
{
    public const string Initialized = """{"jsonrpc":"2.0","method":"notifications/initialized"}""";

    public static string Request(int id, string method, string parameters = "{}") =>
        $$"""{"jsonrpc":"2.0","id":{{id}},"method":"{{method}}","params":{{parameters}}}""";

    public static string Initialize(int id = 0, string version = "2025-11-25") =>
        Request(id, "initialize", $$$"""{"protocolVersion":"{{{version}}}","capabilities":{},"clientInfo":{"name":"test","version":"1"}}""");

    public static string Call(int id, string tool, string arguments = "{}") =>
        Request(id, "tools/call", $$"""{"name":"{{tool}}","arguments":{{arguments}}}""");

    public static string Cancel(int id) =>
        $$$"""{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":{{{id}}},"reason":"enough"}}""";

    public static string ErrorOf(string id, int code, string message) =>
        $$$"""{"jsonrpc":"2.0","id":{{{id}}},"error":{"code":{{{code}}},"message":"{{{message}}}"}}""";

    /// <summary>The text of a tool's result.</summary>
    public static string TextOf(string answer) => JsonNode.Parse(answer)!["result"]!["content"]![0]!["text"]!.GetValue<string>();
}
