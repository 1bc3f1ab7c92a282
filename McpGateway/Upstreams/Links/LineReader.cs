using McpGateway.Protocol;

namespace McpGateway.Upstreams.Links;

/// <summary>Cuts a byte stream into lines, each in a buffer of its own.</summary>
internal sealed class LineReader(Stream stream, int limit)
{
    private readonly byte[] _chunk = new byte[16 * 1024];
    private int _start;
    private int _end;

    /// <summary>The next line without its end; null at the end of the stream.</summary>
    /// <exception cref="MessageTooLargeException">A line is longer than the limit.</exception>
    public async ValueTask<MessageBuffer?> ReadAsync(CancellationToken cancellationToken)
    {
        var line = new MessageBuffer(1024);
        try
        {
            while (true)
            {
                var at = _chunk.AsSpan(_start, _end - _start).IndexOf((byte)'\n');
                line.Write(_chunk.AsSpan(_start, at < 0 ? _end - _start : at));
                if (line.Length > limit) throw new MessageTooLargeException(limit);
                _start = at < 0 ? _end : _start + at + 1;
                if (at >= 0) return line;

                (_start, _end) = (0, await stream.ReadAsync(_chunk, cancellationToken));
                if (_end > 0) continue;
                if (line.Length > 0) return line;
                line.Dispose();
                return null;
            }
        }
        catch
        {
            line.Dispose();
            throw;
        }
    }
}
