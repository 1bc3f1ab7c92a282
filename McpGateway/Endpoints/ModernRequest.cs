using System.Text.Json;
using System.Text.Json.Nodes;
using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Upstreams.Links;

namespace McpGateway.Endpoints;

/// <summary>
/// The rules that revision 2026-07-28 puts on a request before anybody looks at what it asks for: the envelope names a version
/// spoken here, and the mirrored headers say what the body says (SEP-2243, SEP-2575), so that nothing which routed on a header was
/// fooled.
/// </summary>
internal static class ModernRequest
{
    /// <summary>What is wrong with it; null when nothing is.</summary>
    public static RpcError? Check(HttpRequest request, ReadOnlySpan<byte> body, MessageShape shape)
    {
        var header = request.Headers[McpHeader.ProtocolVersion].ToString();
        if (shape.EnvelopeVersion.IsEmpty)
        {
            return shape.Kind == MessageKind.Request
                ? new RpcError(RpcErrorCode.InvalidParams, $"params._meta must hold \"{Envelope.ProtocolVersion}\" in revision {McpVersion.Modern}.") { Status = StatusCodes.Status400BadRequest }
                : null;
        }

        var version = JsonText.Read(shape.EnvelopeVersion.Of(body));
        if (header.Length == 0) return Mismatch(McpHeader.ProtocolVersion, "is missing");
        if (header != version) return Mismatch(McpHeader.ProtocolVersion, $"is '{header}', the body says '{version}'");
        if (version != McpVersion.Modern) return new RpcError(RpcErrorCode.UnsupportedProtocolVersion, $"Protocol version '{version}' is not spoken here in this way.") { RequestedVersion = version };
        if (shape.Kind == MessageKind.Request && shape.EnvelopeCapabilities.IsEmpty)
            return new RpcError(RpcErrorCode.InvalidParams, $"params._meta must hold \"{Envelope.ClientCapabilities}\" in revision {McpVersion.Modern}; {{}} for none.") { Status = StatusCodes.Status400BadRequest };
        return shape.Kind == MessageKind.Request ? CheckMirrored(request, body, shape) : null;
    }

    /// <summary>What an upstream session for this request is opened as, where the upstream is of the legacy kind. Most clients declare nothing, and cost nothing here.</summary>
    public static SessionProfile Profile(ReadOnlySpan<byte> body, MessageShape shape)
    {
        var capabilities = shape.EnvelopeCapabilities.Of(body);
        return capabilities.Length <= 2 || capabilities[0] != '{'
            ? SessionProfile.Default
            : SessionProfile.Of(McpVersion.LatestLegacy, ClientCapabilitiesJson.Read(JsonNode.Parse(capabilities, documentOptions: new JsonDocumentOptions { MaxDepth = 128 })));
    }

    /// <summary>Headers <c>Mcp-Param-*</c>, as they came; null when there are none.</summary>
    public static List<KeyValuePair<string, string>>? Parameters(HttpRequest request)
    {
        List<KeyValuePair<string, string>>? parameters = null;
        foreach (var (name, value) in request.Headers)
        {
            if (name.StartsWith(McpHeader.ParameterPrefix, StringComparison.OrdinalIgnoreCase)) (parameters ??= []).Add(KeyValuePair.Create(name, value.ToString()));
        }

        return parameters;
    }

    private static RpcError? CheckMirrored(HttpRequest request, ReadOnlySpan<byte> body, MessageShape shape)
    {
        var method = JsonText.Read(shape.MethodName.Of(body)) ?? "";
        if (Differs(request, McpHeader.Method, method) is { } wrongMethod) return wrongMethod;
        var mirrored = method switch
        {
            "tools/call" or "prompts/get" => shape.Name,
            "resources/read" => shape.Uri,
            _ => default,
        };
        if (mirrored.IsEmpty) return null;
        return JsonText.Read(mirrored.Of(body)) is { } text
            ? Differs(request, McpHeader.Name, text)
            : new RpcError(RpcErrorCode.InvalidParams, $"params.{(method == "resources/read" ? "uri" : "name")} must be a string.") { Status = StatusCodes.Status400BadRequest };
    }

    private static RpcError? Differs(HttpRequest request, string header, string expected)
    {
        var value = request.Headers[header].ToString();
        if (value.Length == 0) return Mismatch(header, "is missing");
        return HeaderText.Decode(value) == expected ? null : Mismatch(header, $"is '{value}', the body says '{expected}'");
    }

    private static RpcError Mismatch(string header, string how) => new(RpcErrorCode.HeaderMismatch, $"The header {header} {how}.");
}
