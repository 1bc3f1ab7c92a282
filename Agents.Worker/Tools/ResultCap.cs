using System.Text;

namespace Agents.Worker.Tools;

/// <summary>Keeps a tool result from filling the model's context: the head, the tail, and a marker between them. The whole stays with the run.</summary>
internal static class ResultCap
{
    /// <param name="text">The whole result.</param>
    /// <param name="maxBytes">UTF-8 bytes of head and tail together.</param>
    public static string Apply(string text, int maxBytes)
    {
        var size = Encoding.UTF8.GetByteCount(text);
        if (size <= maxBytes) return text;
        var head = Take(text, maxBytes * 3 / 4, fromEnd: false);
        var tail = Take(text, maxBytes / 4, fromEnd: true);
        var left = size - Encoding.UTF8.GetByteCount(head) - Encoding.UTF8.GetByteCount(tail);
        return $"{head}\n[… {left} bytes left out here; ask for a smaller part to see them …]\n{tail}";
    }

    private static string Take(string text, int bytes, bool fromEnd)
    {
        int used = 0, length = 0;
        while (length < text.Length)
        {
            var at = fromEnd ? text.Length - length - 1 : length;
            var width = char.IsSurrogate(text[at]) ? 2 : 1;
            var start = fromEnd ? at - width + 1 : at;
            if (start < 0 || start + width > text.Length) break;
            var cost = Encoding.UTF8.GetByteCount(text.AsSpan(start, width));
            if (used + cost > bytes) break;
            (used, length) = (used + cost, length + width);
        }

        return fromEnd ? text[^length..] : text[..length];
    }
}
