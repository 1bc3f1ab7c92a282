using McpGateway.Protocol;

namespace McpGateway.Endpoints;

/// <summary>
/// The affinity a request asks for: by the header <see cref="McpHeader.Affinity"/>, or, where a client cannot set headers, by
/// <see cref="Envelope.Affinity"/> in <c>_meta</c>. It is the gateway's own and goes no further.
/// </summary>
internal static class Affinity
{
    /// <summary>Characters at most, in either place.</summary>
    public const int MaxLength = 256;

    /// <summary>What is wrong with it; null when nothing is, and then <paramref name="affinity"/> is what was asked for, or null for none.</summary>
    public static RpcError? Read(HttpRequest request, ReadOnlySpan<byte> body, MessageShape shape, out string? affinity)
    {
        affinity = request.Headers[McpHeader.Affinity].ToString() is { Length: > 0 } header ? header : null;
        if (affinity is { Length: > MaxLength })
            return new RpcError(RpcErrorCode.InvalidRequest, $"The header {McpHeader.Affinity} has {affinity.Length} characters; it may have {MaxLength}.");
        if (shape.Affinity.IsEmpty) return null;
        var member = shape.Affinity.Of(body);
        if (member[0] != '"') return Refuse("must be a string");
        if (JsonText.Read(member) is not { Length: > 0 } inBody) return Refuse("is empty; leave it out");
        if (inBody.Length > MaxLength) return Refuse($"has {inBody.Length} characters; it may have {MaxLength}");
        if (affinity is not null && affinity != inBody)
            return new RpcError(RpcErrorCode.HeaderMismatch, $"The header {McpHeader.Affinity} and params._meta[\"{Envelope.Affinity}\"] differ; send one of them, or the same in both.");
        affinity = inBody;
        return null;
    }

    private static RpcError Refuse(string why) => new(RpcErrorCode.InvalidParams, $"params._meta[\"{Envelope.Affinity}\"] {why}.");
}
