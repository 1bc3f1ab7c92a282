using System.Text.Json;

namespace McpGateway.Protocol;

/// <summary>An error answer of the gateway's own.</summary>
/// <param name="Code">See <see cref="RpcErrorCode"/>.</param>
/// <param name="Message">A sentence a person or a model can act on; no secrets.</param>
/// <param name="RetryAfter">When to try again, if that may help.</param>
/// <param name="Upstream">The upstream it is about.</param>
internal sealed record RpcError(int Code, string Message, TimeSpan? RetryAfter = null, string? Upstream = null)
{
    /// <summary>HTTP status towards a modern client; its code's own by default.</summary>
    public int Status { get; init; } = RpcErrorCode.ToModernStatus(Code);

    /// <summary>The version that was asked for, where it is what is wrong.</summary>
    public string? RequestedVersion { get; init; }

    /// <summary>The resource that there is not (SEP-2164).</summary>
    public string? Uri { get; init; }

    /// <summary>Set for <see cref="RpcErrorCode.UnsupportedProtocolVersion"/>, whose data must list what would do.</summary>
    public bool ListsVersions => Code == RpcErrorCode.UnsupportedProtocolVersion;

    /// <summary>Writes the answer with <paramref name="id"/> as it came; <c>null</c> when the request had none that could be read.</summary>
    public void WriteTo(MessageBuffer output, ReadOnlySpan<byte> id)
    {
        output.Write("{\"jsonrpc\":\"2.0\",\"id\":"u8);
        output.Write(id.IsEmpty ? "null"u8 : id);
        output.Write(",\"error\":"u8);
        using (var writer = new Utf8JsonWriter(output, new JsonWriterOptions { Encoder = JsonText.Encoder }))
        {
            writer.WriteStartObject();
            writer.WriteNumber("code"u8, Code);
            writer.WriteString("message"u8, Message);
            WriteData(writer);
            writer.WriteEndObject();
        }

        output.Write("}"u8);
    }

    private void WriteData(Utf8JsonWriter writer)
    {
        if (RetryAfter is null && Upstream is null && Uri is null && !ListsVersions) return;
        writer.WriteStartObject("data"u8);
        if (Upstream is not null) writer.WriteString("upstream"u8, Upstream);
        if (Uri is not null) writer.WriteString("uri"u8, Uri);
        if (RetryAfter is { } wait) writer.WriteNumber("retryAfterSeconds"u8, Math.Ceiling(wait.TotalSeconds));
        if (ListsVersions)
        {
            writer.WriteStartArray("supported"u8);
            // As server/discover says it: the older ones are spoken after initialize, not in an envelope.
            writer.WriteStringValue(McpVersion.Modern);
            writer.WriteEndArray();
            if (RequestedVersion is not null) writer.WriteString("requested"u8, RequestedVersion);
        }

        writer.WriteEndObject();
    }
}
