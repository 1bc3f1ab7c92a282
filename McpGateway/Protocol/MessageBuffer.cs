using System.Buffers;

namespace McpGateway.Protocol;

/// <summary>
/// A growing pooled byte buffer holding one message. One owner at a time; the owner disposes it, and a second
/// disposal does nothing.
/// </summary>
internal sealed class MessageBuffer(int sizeHint = 4096) : IBufferWriter<byte>, IDisposable
{
    private byte[]? _bytes = ArrayPool<byte>.Shared.Rent(sizeHint);
    private int _length;

    public ReadOnlySpan<byte> Span => Bytes.AsSpan(0, _length);

    public ReadOnlyMemory<byte> Memory => Bytes.AsMemory(0, _length);

    public int Length => _length;

    private byte[] Bytes => _bytes ?? throw new ObjectDisposedException(nameof(MessageBuffer));

    public static MessageBuffer CopyOf(ReadOnlySpan<byte> bytes)
    {
        var buffer = new MessageBuffer(Math.Max(bytes.Length, 16));
        buffer.Write(bytes);
        return buffer;
    }

    /// <summary>Reads the stream to its end.</summary>
    /// <exception cref="MessageTooLargeException">There are more than <paramref name="limit"/> bytes.</exception>
    public static async ValueTask<MessageBuffer> ReadAsync(Stream stream, int limit, CancellationToken cancellationToken)
    {
        var buffer = new MessageBuffer();
        try
        {
            int read;
            // Whatever room is left: asking for more would move each small message just to read its end.
            while ((read = await stream.ReadAsync(buffer.GetMemory(), cancellationToken)) > 0)
            {
                buffer.Advance(read);
                if (buffer.Length > limit) throw new MessageTooLargeException(limit);
            }

            buffer.DropByteOrderMark();
            return buffer;
        }
        catch
        {
            buffer.Dispose();
            throw;
        }
    }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(GetSpan(bytes.Length));
        _length += bytes.Length;
    }

    public void Advance(int count) => _length += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return Bytes.AsMemory(_length);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return Bytes.AsSpan(_length);
    }

    public void Clear() => _length = 0;

    /// <summary>Line ends between JSON tokens are white space, but would end a stdio message or an SSE field: they become spaces.</summary>
    public void FoldLines()
    {
        var rest = Bytes.AsSpan(0, _length);
        for (int at; (at = rest.IndexOfAny((byte)'\r', (byte)'\n')) >= 0; rest = rest[(at + 1)..]) rest[at] = (byte)' ';
    }

    public void Dispose()
    {
        var bytes = Interlocked.Exchange(ref _bytes, null);
        if (bytes is not null) ArrayPool<byte>.Shared.Return(bytes);
    }

    private void DropByteOrderMark()
    {
        if (!Span.StartsWith("\uFEFF"u8)) return;
        Bytes.AsSpan(3, _length - 3).CopyTo(Bytes);
        _length -= 3;
    }

    private void Reserve(int sizeHint)
    {
        var bytes = Bytes;
        sizeHint = Math.Max(sizeHint, 256);
        if (bytes.Length - _length >= sizeHint) return;
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(bytes.Length * 2, _length + sizeHint));
        bytes.AsSpan(0, _length).CopyTo(larger);
        _bytes = larger;
        ArrayPool<byte>.Shared.Return(bytes);
    }
}

/// <summary>A message is larger than the gateway takes.</summary>
internal sealed class MessageTooLargeException(int limit) : Exception($"The message is larger than {limit} bytes.")
{
    public int Limit { get; } = limit;
}
