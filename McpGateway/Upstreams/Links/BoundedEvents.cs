using System.Net.ServerSentEvents;
using McpGateway.Protocol;

namespace McpGateway.Upstreams.Links;

/// <summary>
/// A body of server-sent events, none of which may be larger than a message may be. The parser keeps a whole event before it shows it, so what has
/// come of one is counted on the way to the parser. Lines and comments are told apart as in the HTML standard, "Server-sent events": a line ends with CR, LF
/// or both, an empty one ends the event, and one that begins with a colon is of no event.
/// </summary>
internal sealed class BoundedEvents : Stream
{
    /// <summary>Of a line "data: …", all that is not the message's.</summary>
    private const int FieldName = 6;

    /// <summary>Bytes that an event may have beside its message: its type and its id.</summary>
    private const int Beside = 4096;

    private readonly Stream _inner;
    private readonly int _limit;

    /// <summary>Bytes of the event's lines that are complete, as the parser keeps them, and of the line that is not.</summary>
    private long _event;
    private long _line;
    private bool _isComment;
    private bool _afterReturn;

    private BoundedEvents(Stream inner, int limit) => (_inner, _limit) = (inner, limit);

    /// <summary>The events of a body. Reading them throws <see cref="MessageTooLargeException"/> where one is larger than the limit, in bytes.</summary>
    public static SseParser<MessageBuffer> Parse(Stream body, int limit) =>
        SseParser.Create(new BoundedEvents(body, limit), (_, data) => data.Length <= limit ? MessageBuffer.CopyOf(data) : throw new MessageTooLargeException(limit));

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await _inner.ReadAsync(buffer, cancellationToken);
        Count(buffer.Span[..read]);
        return read;
    }

    public override int Read(byte[] buffer, int offset, int count)
    {
        var read = _inner.Read(buffer, offset, count);
        Count(buffer.AsSpan(offset, read));
        return read;
    }

    public override void Flush() => _inner.Flush();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override async ValueTask DisposeAsync()
    {
        await _inner.DisposeAsync();
        await base.DisposeAsync();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) _inner.Dispose();
        base.Dispose(disposing);
    }

    private void Count(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            var at = bytes.IndexOfAny((byte)'\r', (byte)'\n');
            Grow(at < 0 ? bytes : bytes[..at]);
            if (at < 0) return;
            // The second half of a line's end ends nothing.
            if (bytes[at] == '\r' || !_afterReturn) EndLine();
            _afterReturn = bytes[at] == '\r';
            bytes = bytes[(at + 1)..];
        }
    }

    private void Grow(ReadOnlySpan<byte> part)
    {
        if (part.Length == 0) return;
        if (_line == 0) _isComment = part[0] == ':';
        _line += part.Length;
        _afterReturn = false;
        if (_event + _line > (long)_limit + Beside) throw new MessageTooLargeException(_limit);
    }

    private void EndLine()
    {
        if (_line == 0) _event = 0;
        else if (!_isComment) _event += Math.Max(0, _line - FieldName) + 1;
        _line = 0;
    }
}
