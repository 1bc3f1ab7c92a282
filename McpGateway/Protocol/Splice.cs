using System.Buffers.Text;

namespace McpGateway.Protocol;

/// <summary>
/// Copies a message while replacing a few byte ranges. Replacements are added in any order, must not overlap, and
/// everything between them is copied as it stands.
/// </summary>
internal ref struct Splice(ReadOnlySpan<byte> source)
{
    private readonly ReadOnlySpan<byte> _source = source;
    private Edits _edits;
    private int _count;

    /// <summary>Puts <paramref name="bytes"/> where <paramref name="range"/> is.</summary>
    public void Replace(ByteRange range, ReadOnlyMemory<byte> bytes)
    {
        var at = _count++;
        // Kept in order by insertion: there are never more than a handful.
        for (; at > 0 && _edits[at - 1].Range.Start > range.Start; at--) _edits[at] = _edits[at - 1];
        _edits[at] = new Edit(range, bytes);
    }

    /// <summary>Puts <paramref name="bytes"/> in front of the byte at <paramref name="position"/>.</summary>
    public void Insert(int position, ReadOnlyMemory<byte> bytes) => Replace(new ByteRange(position, position), bytes);

    public readonly void WriteTo(MessageBuffer output)
    {
        var from = 0;
        for (var i = 0; i < _count; i++)
        {
            output.Write(_source[from.._edits[i].Range.Start]);
            output.Write(_edits[i].Bytes.Span);
            from = _edits[i].Range.End;
        }

        output.Write(_source[from..]);
    }

    private readonly record struct Edit(ByteRange Range, ReadOnlyMemory<byte> Bytes);

    [System.Runtime.CompilerServices.InlineArray(8)]
    private struct Edits
    {
        private Edit _first;
    }
}

/// <summary>An id of ours on an upstream session, as JSON bytes: a number unique while the session lives.</summary>
internal static class UpstreamId
{
    public static ReadOnlyMemory<byte> ToJson(long id)
    {
        var bytes = new byte[20];
        Utf8Formatter.TryFormat(id, bytes, out var written);
        return bytes.AsMemory(0, written);
    }

    /// <summary>Reads back an id or a progress token of ours; false for one that cannot be ours.</summary>
    public static bool TryParse(ReadOnlySpan<byte> json, out long id) =>
        Utf8Parser.TryParse(json, out id, out var consumed) && consumed == json.Length;
}
