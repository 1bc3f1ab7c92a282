using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;
using McpGateway.Protocol;
using McpGateway.Sessions;

namespace McpGateway.Calls;

/// <summary>
/// Turns a client's request into the one that goes upstream. Replaced are the id, the tool's name and what belongs to one hop of
/// <c>_meta</c>; all other bytes are the client's own.
/// </summary>
internal static class RequestSplicer
{
    public static MessageBuffer Splice(GatewayCall call, long id, McpEra upstreamEra)
    {
        var message = call.Message.Span;
        var shape = call.Shape;
        var ourId = UpstreamId.ToJson(id);
        var splice = new Splice(message);
        splice.Replace(shape.Id, ourId);
        if (call.UpstreamName is { } name && !call.NameRange.IsEmpty) splice.Replace(call.NameRange, JsonText.Write(name));

        using var meta = new MessageBuffer(512);
        if (WriteMeta(meta, call, shape.AskedProgressToken.IsEmpty ? default : ourId, upstreamEra)) PlaceMeta(ref splice, message, shape, meta);

        var output = new MessageBuffer(message.Length + 512);
        splice.WriteTo(output);
        output.FoldLines();
        return output;
    }

    /// <summary>Writes the upstream's <c>_meta</c>; false when there is none to send. A span of ours, whose parent it is, stands before the trace in the client's <c>_meta</c>, and that before its HTTP headers.</summary>
    private static bool WriteMeta(MessageBuffer output, GatewayCall call, ReadOnlyMemory<byte> progressToken, McpEra upstreamEra)
    {
        var client = call.Shape.Meta.Of(call.Message.Span);
        var trace = Activity.Current is { Recorded: true } activity
            ? new CallTrace(activity.Id!, activity.TraceStateString is { Length: > 0 } state ? state : null)
            : client.IndexOf("\"traceparent\""u8) < 0 ? call.Trace : null;
        using var added = new MessageBuffer(512);
        if (upstreamEra == McpEra.Modern) AddEnvelope(added, call);
        if (!progressToken.IsEmpty) Add(added, "\"progressToken\":"u8, progressToken.Span);
        if (trace is not null) Add(added, "\"traceparent\":"u8, JsonText.Write(trace.Parent));
        if (trace?.State is not null) Add(added, "\"tracestate\":"u8, JsonText.Write(trace.State));
        if (client.IsEmpty && added.Length == 0) return false;
        ObjectRewrite.Write(
            output,
            client,
            trace is null
                ? static (ref Utf8JsonReader name) => !Envelope.IsOfOneHop(ref name)
                : static (ref Utf8JsonReader name) => !Envelope.IsOfOneHop(ref name) && !name.ValueTextEquals("traceparent"u8) && !name.ValueTextEquals("tracestate"u8),
            added.Span);
        return true;
    }

    /// <summary>The gateway's own envelope, with what the client behind it can be asked and wants to be told.</summary>
    private static void AddEnvelope(MessageBuffer members, GatewayCall call)
    {
        var level = call.Era == McpEra.Modern ? call.Shape.EnvelopeLogLevel.Of(call.Message.Span) : call.Peer?.Level is { } asked ? JsonText.Write(asked) : default;
        var capabilities = call.Era == McpEra.Modern ? call.Shape.EnvelopeCapabilities.Of(call.Message.Span) : default;
        if (level.IsEmpty && capabilities.Length <= 2 && call.Capabilities == ClientCapabilities.None)
        {
            Add(members, Envelope.OfGateway.Span);
            return;
        }

        Add(members, Envelope.OfGatewayWithoutCapabilities.Span);
        Add(members, "\"io.modelcontextprotocol/clientCapabilities\":"u8);
        if (capabilities.Length > 2 && capabilities[0] == '{') WriteAllowed(members, capabilities, call.Capabilities.HasFlag(ClientCapabilities.Roots));
        else members.Write(JsonSerializer.SerializeToUtf8Bytes<JsonNode>(call.Capabilities.ToJson()));
        if (!level.IsEmpty) Add(members, "\"io.modelcontextprotocol/logLevel\":"u8, level);
    }

    /// <summary>A modern client's capabilities as they came, but for roots where the operator has not allowed them.</summary>
    private static void WriteAllowed(MessageBuffer members, ReadOnlySpan<byte> capabilities, bool roots)
    {
        if (roots) members.Write(capabilities);
        else ObjectRewrite.Write(members, capabilities, static (ref Utf8JsonReader name) => !name.ValueTextEquals("roots"u8), default);
    }

    private static void PlaceMeta(ref Splice splice, ReadOnlySpan<byte> message, MessageShape shape, MessageBuffer meta)
    {
        // Copied out, since the splice is written after the buffer has gone back.
        if (!shape.Meta.IsEmpty)
        {
            splice.Replace(shape.Meta, meta.Span.ToArray());
            return;
        }

        using var member = new MessageBuffer(meta.Length + 32);
        if (shape.Params.IsEmpty)
        {
            member.Write(",\"params\":{\"_meta\":"u8);
            member.Write(meta.Span);
            member.Write("}"u8);
            splice.Insert(shape.Close, member.Span.ToArray());
            return;
        }

        var inside = message[(shape.Params.Start + 1)..(shape.Params.End - 1)];
        member.Write("\"_meta\":"u8);
        member.Write(meta.Span);
        if (inside.IndexOfAnyExcept(" \t\r\n"u8) >= 0) member.Write(","u8);
        splice.Insert(shape.Params.Start + 1, member.Span.ToArray());
    }

    private static void Add(MessageBuffer members, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value = default)
    {
        if (members.Length > 0) members.Write(","u8);
        members.Write(name);
        members.Write(value);
    }
}
