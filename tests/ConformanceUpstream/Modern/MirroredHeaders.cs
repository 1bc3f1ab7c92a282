using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ConformanceUpstream.Offered;

namespace ConformanceUpstream.Modern;

/// <summary>Headers that repeat what the body says, for those who route by them, and must not say anything else (SEP-2243).</summary>
internal static class MirroredHeaders
{
    private const string EncodedStart = "=?base64?";
    private const string EncodedEnd = "?=";

    /// <exception cref="RpcException">A header is missing or says something else than the body.</exception>
    public static void Check(IHeaderDictionary headers, RpcMessage message)
    {
        Same(headers, "MCP-Protocol-Version", RpcMessage.TextOf(message.Meta?[Envelope.ProtocolVersion]));
        Same(headers, "Mcp-Method", message.Method);
        var name = message.Method switch
        {
            "tools/call" or "prompts/get" => message.Params["name"],
            "resources/read" => message.Params["uri"],
            _ => null,
        };
        if (name is not null) Same(headers, "Mcp-Name", RpcMessage.TextOf(name));
        if (message.Method == "tools/call") CheckParameters(headers, message);
    }

    private static void CheckParameters(IHeaderDictionary headers, RpcMessage message)
    {
        if (Tools.Find(message).InputSchema["properties"] is not JsonObject properties) return;
        foreach (var (parameter, schema) in properties)
        {
            if (RpcMessage.TextOf((schema as JsonObject)?["x-mcp-header"]) is not { } suffix) continue;
            var value = (message.Params["arguments"] as JsonObject)?[parameter];
            if (value is not null || headers.ContainsKey($"Mcp-Param-{suffix}")) Same(headers, $"Mcp-Param-{suffix}", TextOf(value));
        }
    }

    private static string? TextOf(JsonNode? value) => value?.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : value?.ToJsonString();

    private static void Same(IHeaderDictionary headers, string header, string? expected)
    {
        // A body that lacks the member is told so by the check of the body.
        if (expected is null && !header.StartsWith("Mcp-Param-", StringComparison.Ordinal)) return;
        if (!headers.TryGetValue(header, out var values)) throw new RpcException(RpcCode.HeaderMismatch, $"Header mismatch: {header} is missing.");
        if (Decode(values.ToString().Trim()) is not { } value) throw new RpcException(RpcCode.HeaderMismatch, $"Header mismatch: {header} is not valid Base64.");
        if (value != expected) throw new RpcException(RpcCode.HeaderMismatch, $"Header mismatch: {header} is '{value}', the body says '{expected}'.");
    }

    /// <summary>Null when it calls itself Base64 and is not.</summary>
    private static string? Decode(string value)
    {
        if (!value.StartsWith(EncodedStart, StringComparison.Ordinal) || !value.EndsWith(EncodedEnd, StringComparison.Ordinal)) return value;
        try
        {
            return Encoding.UTF8.GetString(Convert.FromBase64String(value[EncodedStart.Length..^EncodedEnd.Length]));
        }
        catch (FormatException)
        {
            return null;
        }
    }
}
