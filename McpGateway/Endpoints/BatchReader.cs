using System.Text.Json;
using McpGateway.Protocol;

namespace McpGateway.Endpoints;

/// <summary>Splits a batch (JSON-RPC 2.0, section 6; in MCP of 2025-03-26 only).</summary>
internal static class BatchReader
{
    /// <summary>Messages of one batch at most: they run side by side.</summary>
    private const int MaxMembers = 64;

    public static bool IsBatch(ReadOnlySpan<byte> body) => body.TrimStart(" \t\r\n"u8) is [(byte)'[', ..];

    /// <summary>Reads every message; the caller disposes them.</summary>
    /// <exception cref="MessageRefusedException">It is no array, empty, too long, or holds something that is no message: then none of it is taken.</exception>
    public static IReadOnlyList<Incoming> Read(ReadOnlySpan<byte> body, HttpRequest request)
    {
        var members = new List<Incoming>();
        try
        {
            ReadInto(body, request, members);
            return members;
        }
        catch (Exception exception)
        {
            foreach (var member in members) member.Dispose();
            if (exception is not JsonException) throw;
            throw new MessageRefusedException(RpcErrorCode.ParseError, $"The body is not valid JSON: {exception.Message}");
        }
    }

    private static void ReadInto(ReadOnlySpan<byte> body, HttpRequest request, List<Incoming> members)
    {
        var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = 128 });
        reader.Read();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (members.Count == MaxMembers) throw new MessageRefusedException(RpcErrorCode.InvalidRequest, $"The batch holds more than {MaxMembers} messages. Send fewer at once.");
            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            members.Add(Incoming.Scan(MessageBuffer.CopyOf(body[start..(int)reader.BytesConsumed]), request));
            if (members[^1].Shape.Method == McpMethod.Initialize) throw new MessageRefusedException(RpcErrorCode.InvalidRequest, "initialize must not be part of a batch.");
        }

        if (reader.Read()) throw new MessageRefusedException(RpcErrorCode.InvalidRequest, "There is more than one JSON value in the body.");
        if (members.Count == 0) throw new MessageRefusedException(RpcErrorCode.InvalidRequest, "The batch is empty.");
    }
}
