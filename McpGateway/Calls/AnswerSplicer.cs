using System.Text.Json;
using McpGateway.Protocol;
using McpGateway.Sessions;

namespace McpGateway.Calls;

/// <summary>Turns a message of an upstream into the one its client gets: the client's own id and progress token, and the few result members that only one era knows.</summary>
internal static class AnswerSplicer
{
    private static readonly byte[] s_complete = "\"resultType\":\"complete\""u8.ToArray();

    public static void WriteResult(MessageBuffer output, UpstreamMessage message, ReadOnlyMemory<byte> clientId, McpEra client, McpEra upstream)
    {
        var bytes = message.Bytes.Span;
        var shape = message.Shape;
        var splice = new Splice(bytes);
        splice.Replace(shape.Id, clientId);
        if (bytes[shape.Result.Start] == '{')
        {
            if (client == McpEra.Modern && shape.ResultType.IsEmpty) AddResultType(ref splice, bytes, shape.Result);
            else if (client == McpEra.Legacy && upstream == McpEra.Modern) splice.Replace(shape.Result, WithoutModernMembers(shape.Result.Of(bytes)));
        }

        splice.WriteTo(output);
    }

    /// <summary>An error keeps its own object whole; around it everything is the gateway's, since servers answer errors with any id or none.</summary>
    public static void WriteError(MessageBuffer output, UpstreamMessage message, ReadOnlyMemory<byte> clientId)
    {
        output.Write("{\"jsonrpc\":\"2.0\",\"id\":"u8);
        output.Write(clientId.Span);
        output.Write(",\"error\":"u8);
        output.Write(message.Shape.Error.Of(message.Bytes.Span));
        output.Write("}"u8);
    }

    public static void WriteProgress(MessageBuffer output, UpstreamMessage message, ReadOnlyMemory<byte> clientToken)
    {
        var splice = new Splice(message.Bytes.Span);
        splice.Replace(message.Shape.ProgressToken, clientToken);
        splice.WriteTo(output);
    }

    private static void AddResultType(ref Splice splice, ReadOnlySpan<byte> bytes, ByteRange result)
    {
        var empty = bytes[(result.Start + 1)..(result.End - 1)].IndexOfAnyExcept(" \t\r\n"u8) < 0;
        splice.Insert(result.Start + 1, empty ? s_complete : [.. s_complete, (byte)',']);
    }

    private static byte[] WithoutModernMembers(ReadOnlySpan<byte> result)
    {
        using var output = new MessageBuffer(result.Length);
        ObjectRewrite.Write(
            output,
            result,
            static (ref Utf8JsonReader name) => !name.ValueTextEquals("resultType"u8) && !name.ValueTextEquals("ttlMs"u8) && !name.ValueTextEquals("cacheScope"u8),
            default);
        return output.Span.ToArray();
    }
}
