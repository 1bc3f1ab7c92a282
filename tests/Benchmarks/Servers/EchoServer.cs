using System.Text.Json.Nodes;

namespace Benchmarks.Servers;

/// <summary>The stdio server <c>echo.mjs</c>, in the two spellings that what starts it needs.</summary>
internal sealed record EchoServer(string Node, string Script)
{
    public string CommandLine => $"\"{Node}\" \"{Script}\"";

    /// <summary>Null when there is no Node.js.</summary>
    public static EchoServer? Find() => Programs.Node() is { } node ? new EchoServer(node, Path.Combine(AppContext.BaseDirectory, "Servers", "echo.mjs")) : null;

    public JsonObject WithPool(int minIdle, int max) => new()
    {
        ["command"] = Node,
        ["args"] = new JsonArray(Script),
        ["pool"] = new JsonObject { ["minIdle"] = minIdle, ["max"] = max },
    };
}
