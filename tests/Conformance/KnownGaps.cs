using System.Text.Json;

namespace Conformance;

/// <summary>
/// What the gateway does not pass yet, by cell of the table or pair of peers, in a file that may only shrink: what fails and is not there fails
/// the test, and so does what is there and passes. When the file is empty it is deleted.
/// </summary>
internal static class KnownGaps
{
    private static readonly JsonSerializerOptions s_options = new() { WriteIndented = true };

    private static string File => RepositoryRoot.PathOf("tests", "Conformance", "known-gaps.json");

    public static IReadOnlyList<string> Of(string where) => Read().GetValueOrDefault(where) ?? [];

    public static void Write(Findings findings)
    {
        var gaps = findings.Failed().GroupBy(fault => fault.Where, fault => fault.What).ToDictionary(where => where.Key, where => where.Distinct().ToArray());
        if (gaps.Count == 0) System.IO.File.Delete(File);
        else System.IO.File.WriteAllText(File, JsonSerializer.Serialize(gaps, s_options) + "\n");
    }

    private static Dictionary<string, string[]> Read() =>
        System.IO.File.Exists(File) ? JsonSerializer.Deserialize<Dictionary<string, string[]>>(System.IO.File.ReadAllText(File))! : [];
}
