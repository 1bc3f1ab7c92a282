using System.Text.Json;
using McpGateway.Protocol;
using McpGateway.Sessions;

namespace McpGateway.Calls;

/// <summary>Turns a message of an upstream into the one its client gets: the client's own id and progress token, and the few result members that only one era knows.</summary>
internal static class AnswerSplicer
{
    private static readonly byte[] s_complete = "\"resultType\":\"complete\""u8.ToArray();

    private static readonly byte[] s_completeUncached = "\"resultType\":\"complete\",\"ttlMs\":0,\"cacheScope\":\"private\""u8.ToArray();

    public static void WriteResult(MessageBuffer output, UpstreamMessage message, GatewayCall call, McpEra upstream)
    {
        var bytes = message.Bytes.Span;
        var shape = message.Shape;
        var splice = new Splice(bytes);
        splice.Replace(shape.Id, call.ClientId);
        if (bytes[shape.Result.Start] == '{')
        {
            if (call.Era == McpEra.Modern && shape.ResultType.IsEmpty) AddMembers(ref splice, bytes, shape.Result, IsCacheable(call.Shape.Method) && upstream == McpEra.Legacy ? s_completeUncached : s_complete);
            else if (call.Era == McpEra.Legacy && upstream == McpEra.Modern) splice.Replace(shape.Result, WithoutModernMembers(shape.Result.Of(bytes)));
        }

        splice.WriteTo(output);
    }

    /// <summary>
    /// An error keeps its own object, but for a code that the revisions spell differently; around it everything is the gateway's, since
    /// servers answer errors with any id or none.
    /// </summary>
    /// <returns>The code it was written with.</returns>
    public static int WriteError(MessageBuffer output, UpstreamMessage message, GatewayCall call)
    {
        var code = message.Shape.ErrorCode;
        output.Write("{\"jsonrpc\":\"2.0\",\"id\":"u8);
        output.Write(call.ClientId.Span);
        output.Write(",\"error\":"u8);
        var error = message.Shape.Error.Of(message.Bytes.Span);
        // Until 2026-07-28 a resource that is not there had a code of its own.
        if (code == RpcErrorCode.ResourceNotFound && call.Era == McpEra.Modern && call.Shape.Method == McpMethod.ResourcesRead)
        {
            code = RpcErrorCode.InvalidParams;
            ObjectRewrite.Write(output, error, static (ref Utf8JsonReader name) => !name.ValueTextEquals("code"u8), "\"code\":-32602"u8);
        }
        else
        {
            output.Write(error);
        }

        output.Write("}"u8);
        return code;
    }

    /// <summary>A notification with the client's own progress token.</summary>
    public static void WriteNotice(MessageBuffer output, UpstreamMessage message, GatewayCall call)
    {
        var splice = new Splice(message.Bytes.Span);
        if (message.Shape.Method == McpMethod.Progress) splice.Replace(message.Shape.ProgressToken, call.Shape.AskedProgressToken.Of(call.Message));
        splice.WriteTo(output);
    }

    /// <summary>A cancellation that names the request by another id.</summary>
    public static void WriteCancelled(MessageBuffer output, UpstreamMessage message, ReadOnlyMemory<byte> id)
    {
        var splice = new Splice(message.Bytes.Span);
        splice.Replace(message.Shape.RequestId, id);
        splice.WriteTo(output);
    }

    /// <summary>Results that 2026-07-28 wants a caching hint in (SEP-2549).</summary>
    private static bool IsCacheable(McpMethod method) =>
        method is McpMethod.ToolsList or McpMethod.PromptsList or McpMethod.ResourcesList or McpMethod.ResourceTemplatesList or McpMethod.ResourcesRead;

    private static void AddMembers(ref Splice splice, ReadOnlySpan<byte> bytes, ByteRange result, byte[] members)
    {
        var empty = bytes[(result.Start + 1)..(result.End - 1)].IndexOfAnyExcept(" \t\r\n"u8) < 0;
        splice.Insert(result.Start + 1, empty ? members : [.. members, (byte)',']);
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
