using System.Diagnostics;
using McpGateway.Protocol;

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
        if (call.UpstreamName is { } name && !shape.Name.IsEmpty) splice.Replace(shape.Name, JsonText.Write(name));

        using var meta = new MessageBuffer(512);
        if (WriteMeta(meta, shape.Meta.Of(message), call.Trace, shape.AskedProgressToken.IsEmpty ? default : ourId, upstreamEra)) PlaceMeta(ref splice, message, shape, meta);

        var output = new MessageBuffer(message.Length + 512);
        splice.WriteTo(output);
        output.FoldLines();
        return output;
    }

    /// <summary>Writes the upstream's <c>_meta</c>; false when there is none to send. A span of ours stands before the trace in the client's <c>_meta</c>, and that before its HTTP headers.</summary>
    private static bool WriteMeta(MessageBuffer output, ReadOnlySpan<byte> client, CallTrace? ofRequest, ReadOnlyMemory<byte> progressToken, McpEra upstreamEra)
    {
        var trace = Activity.Current is { Recorded: true } activity
            ? new CallTrace(activity.Id!, activity.TraceStateString is { Length: > 0 } state ? state : null)
            : client.IndexOf("\"traceparent\""u8) < 0 ? ofRequest : null;
        using var added = new MessageBuffer(512);
        if (upstreamEra == McpEra.Modern) Add(added, Envelope.OfGateway.Span);
        if (!progressToken.IsEmpty) Add(added, "\"progressToken\":"u8, progressToken.Span);
        if (trace is not null) Add(added, "\"traceparent\":"u8, JsonText.Write(trace.Parent));
        if (trace?.State is not null) Add(added, "\"tracestate\":"u8, JsonText.Write(trace.State));
        if (client.IsEmpty && added.Length == 0) return false;
        ObjectRewrite.Write(
            output,
            client,
            trace is null
                ? static (ref System.Text.Json.Utf8JsonReader name) => !Envelope.IsOfOneHop(ref name)
                : static (ref System.Text.Json.Utf8JsonReader name) => !Envelope.IsOfOneHop(ref name) && !name.ValueTextEquals("traceparent"u8) && !name.ValueTextEquals("tracestate"u8),
            added.Span);
        return true;
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
