using System.Text.Json;
using Conformance.Setting;

namespace Conformance;

/// <summary>
/// Scenarios the gateway does not pass yet, by cell, in a file that may only shrink: a scenario that fails and is not there fails the test, and
/// so does one that is there and passes. When the file is empty it is deleted.
/// </summary>
internal static class KnownGaps
{
    private static readonly JsonSerializerOptions s_options = new() { WriteIndented = true };

    private static string File => RepositoryRoot.PathOf("tests", "Conformance", "known-gaps.json");

    public static IReadOnlyList<string> Of(Cell cell) => Read().GetValueOrDefault(cell.ToString()) ?? [];

    public static void Write(Results results)
    {
        var gaps = Cell.All.ToDictionary(cell => cell.ToString(), cell => results.Failed(cell).Select(result => result.Name).ToArray()).Where(cell => cell.Value.Length > 0).ToDictionary();
        if (gaps.Count == 0) System.IO.File.Delete(File);
        else System.IO.File.WriteAllText(File, JsonSerializer.Serialize(gaps, s_options) + "\n");
    }

    private static Dictionary<string, string[]> Read() =>
        System.IO.File.Exists(File) ? JsonSerializer.Deserialize<Dictionary<string, string[]>>(System.IO.File.ReadAllText(File))! : [];
}
