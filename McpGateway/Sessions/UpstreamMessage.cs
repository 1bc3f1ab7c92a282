using System.Text.Json;
using McpGateway.Protocol;

namespace McpGateway.Sessions;

/// <summary>One message from an upstream with its scan. Whoever holds it disposes it, which gives the bytes back to their pool.</summary>
internal sealed class UpstreamMessage(MessageBuffer buffer, MessageShape shape) : IDisposable
{
    public ReadOnlyMemory<byte> Bytes => buffer.Memory;

    public MessageShape Shape { get; } = shape;

    /// <summary>True for what ends a call: its result or its error.</summary>
    public bool IsAnswer => Shape.Kind is MessageKind.Result or MessageKind.Error;

    public static UpstreamMessage Scan(MessageBuffer buffer)
    {
        try
        {
            return new UpstreamMessage(buffer, MessageScanner.Scan(buffer.Span));
        }
        catch
        {
            buffer.Dispose();
            throw;
        }
    }

    /// <summary>The message of an error, or its code when it has none.</summary>
    public string ReadErrorText()
    {
        var reader = new Utf8JsonReader(Shape.Error.Of(Bytes.Span), new JsonReaderOptions { MaxDepth = 128 });
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isMessage = reader.ValueTextEquals("message"u8);
            reader.Read();
            if (isMessage && reader.TokenType == JsonTokenType.String && JsonText.Read(Shape.Error.Of(Bytes.Span)[(int)reader.TokenStartIndex..(int)reader.BytesConsumed]) is { } text) return text;
            reader.Skip();
        }

        return $"error {Shape.ErrorCode}";
    }

    public void Dispose() => buffer.Dispose();
}
