using System.Text.Json;
using System.Text.RegularExpressions;

namespace Agents.Worker.Loop;

/// <summary>The places in the repository that tool results showed. Only these may become sources of an answer.</summary>
internal static partial class ToolSources
{
    private const int MaxSources = 20;

    /// <summary>The shown places the answer speaks of, in the order it does; <c>file:line</c>, each once.</summary>
    public static IReadOnlyList<string> Of(IEnumerable<ToolRequest> calls, string answer)
    {
        var shown = new HashSet<string>(StringComparer.Ordinal);
        foreach (var call in calls.Where(call => call.Worked))
        {
            if (call.Structured is { } structured) Collect(structured, shown);
            else foreach (Match place in Place().Matches(call.Result!)) shown.Add(place.Value);
        }

        return [.. shown
            .Select(place => (place, At: Position(answer, place)))
            .Where(p => p.At >= 0)
            .OrderBy(p => p.At)
            .Select(p => p.place)
            .Take(MaxSources)];
    }

    private static void Collect(JsonElement element, HashSet<string> shown)
    {
        if (element.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in element.EnumerateArray()) Collect(item, shown);
        }
        else if (element.ValueKind == JsonValueKind.Object)
        {
            if (element.TryGetProperty("file", out var file) && file.ValueKind == JsonValueKind.String && Line(element) is { } line)
                shown.Add($"{file.GetString()}:{line}");
            foreach (var member in element.EnumerateObject()) Collect(member.Value, shown);
        }
    }

    private static int? Line(JsonElement element)
    {
        foreach (var name in (ReadOnlySpan<string>)["line", "start_line", "start"])
            if (element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var line)) return line;
        return null;
    }

    // "a.cs:1" is not spoken of by "a.cs:12", nor by "data.cs:1".
    private static int Position(string answer, string place)
    {
        for (var at = answer.IndexOf(place, StringComparison.Ordinal); at >= 0; at = answer.IndexOf(place, at + 1, StringComparison.Ordinal))
        {
            var end = at + place.Length;
            var begins = at == 0 || !(char.IsLetterOrDigit(answer[at - 1]) || answer[at - 1] is '/' or '.' or '_' or '-');
            if (begins && (end == answer.Length || !char.IsAsciiDigit(answer[end]))) return at;
        }

        return -1;
    }

    [GeneratedRegex(@"[\w./\-]+\.\w+:\d+", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Place();
}
