using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace RepositoryTools.Serving;

/// <summary>One page of rows: as many as the limit and the size of an answer allow.</summary>
/// <param name="Rows">The rows of this page.</param>
/// <param name="Total">How many rows there are in all.</param>
/// <param name="NextCursor">Asks for the next page; null on the last.</param>
/// <param name="Text">The rows as text lines, then how to read on.</param>
internal sealed record Page<T>(IReadOnlyList<T> Rows, int Total, string? NextCursor, string Text);

/// <summary>Cuts answers into pages. A cursor is an offset bound to the tool and arguments it was made for.</summary>
internal static class Page
{
    /// <summary>An answer's text stops here, in characters; the rest is on the next page.</summary>
    internal const int MaxText = 40_000;

    /// <summary>The offset a cursor stands for; a cursor of another call is refused with a <see cref="ToolError"/>.</summary>
    internal static int Offset(string? cursor, string fingerprint)
    {
        if (cursor is null)
        {
            return 0;
        }

        var parts = cursor.Split('.');
        if (parts.Length != 2 || !int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var offset))
        {
            throw new ToolError($"'cursor' is '{Shorten(cursor)}', which no answer of this tool gave: pass next_cursor of an earlier answer as it is, or leave it out to start over.");
        }

        return parts[1] == Seal(fingerprint)
            ? offset
            : throw new ToolError("'cursor' belongs to a call with other arguments: repeat those arguments, or leave the cursor out to start over.");
    }

    /// <summary>Takes the page a call asks for. <paramref name="line"/> writes one row as text.</summary>
    internal static Page<T> Take<T>(IReadOnlyList<T> all, ToolCall call, string tool, ToolArgument limit, Func<T, string> line) =>
        Take(all, call.Arguments.Text(ToolArgument.Cursor), call.Arguments.Integer(limit), call.Fingerprint(tool), line);

    /// <summary>Takes the page that starts at the cursor. <paramref name="line"/> writes one row as text.</summary>
    internal static Page<T> Take<T>(IReadOnlyList<T> all, string? cursor, int limit, string fingerprint, Func<T, string> line)
    {
        var offset = Offset(cursor, fingerprint);
        List<T> rows = [];
        var text = new StringBuilder();
        for (var i = offset; i < all.Count && rows.Count < limit; i++)
        {
            var row = line(all[i]);
            if (rows.Count > 0 && text.Length + row.Length > MaxText)
            {
                break;
            }

            rows.Add(all[i]);
            text.AppendLine(row);
        }

        var end = offset + rows.Count;
        var next = end < all.Count && rows.Count > 0 ? $"{end}.{Seal(fingerprint)}" : null;
        text.Append(CultureInfo.InvariantCulture, $"{rows.Count} of {all.Count}");
        text.Append(next is null ? "." : $"; read on with cursor \"{next}\".");
        return new(rows, all.Count, next, text.ToString());
    }

    private static string Seal(string fingerprint) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(fingerprint)).AsSpan(0, 6));

    private static string Shorten(string text) => text.Length <= 60 ? text : text[..60] + "…";
}
