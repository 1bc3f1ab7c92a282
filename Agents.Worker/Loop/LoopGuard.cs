using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Agents.Worker.Loop;

/// <summary>Sees an agent going round in circles: the same tool with the same arguments gave the same result three times.</summary>
/// <remarks>The result counts too: asking again is fine as long as the answer changes.</remarks>
internal sealed class LoopGuard(int limit = 3)
{
    private readonly Dictionary<string, int> _seen = new(StringComparer.Ordinal);

    /// <summary>True once any call was seen <c>limit</c> times.</summary>
    public bool IsLooping { get; private set; }

    public void Add(string tool, JsonObject? arguments, string result)
    {
        var key = Key(tool, arguments, result);
        var count = _seen[key] = _seen.GetValueOrDefault(key) + 1;
        if (count >= limit) IsLooping = true;
    }

    private static string Key(string tool, JsonObject? arguments, string result)
    {
        var text = $"{tool}\n{Canonical(arguments)}\n{result}";
        return Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
    }

    // The order in which a model writes its arguments means nothing.
    private static string Canonical(JsonNode? node) => node switch
    {
        JsonObject members => $"{{{string.Join(',', members.OrderBy(m => m.Key, StringComparer.Ordinal).Select(m => $"{m.Key}:{Canonical(m.Value)}"))}}}",
        JsonArray items => $"[{string.Join(',', items.Select(Canonical))}]",
        null => "null",
        _ => node.ToJsonString(),
    };
}
