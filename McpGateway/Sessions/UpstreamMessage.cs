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

    public void Dispose() => buffer.Dispose();
}
