using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Conformance.Suite;

/// <summary>The suite of <c>tests/npm</c>, run against a URL as a client of one revision.</summary>
internal static partial class ConformanceSuite
{
    public const string Package = "@modelcontextprotocol/conformance";

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(4);

    /// <summary>Runs all that a revision requires, and what it reports without counting.</summary>
    /// <returns>A result for each scenario of the requirement set; one that left no checks behind has failed.</returns>
    public static async Task<IReadOnlyDictionary<string, ScenarioResult>> RunAsync(Uri url, string revision)
    {
        using var results = new TemporaryDirectory();
        var (_, output) = await NodeProcess.RunAsync(
            NpmPeers.FileOf(Package, "dist/index.js"),
            ["server", "--url", url.ToString(), "--requirements", revision, "--output-dir", results.FullPath, "--timeout", "10000"],
            within: s_patience);
        var required = RequirementSet.Read(revision);
        var found = Directory.GetDirectories(results.FullPath).ToDictionary(NameOf, Read);
        return required.Scored.Concat(required.Unscored.Keys).ToDictionary(
            name => name,
            name => new ScenarioResult(name, found.GetValueOrDefault(name) ?? [$"no result: {string.Join(" | ", output.TakeLast(3))}"]));
    }

    private static string NameOf(string directory) => ResultFolder().Match(Path.GetFileName(directory)).Groups[1].Value;

    private static IReadOnlyList<string> Read(string directory)
    {
        var checks = JsonNode.Parse(File.ReadAllText(Path.Combine(directory, "checks.json")))!.AsArray();
        return [.. checks.Where(check => check!["status"]!.GetValue<string>() is "FAILURE" or "WARNING").Select(check => $"{check!["id"]}: {check["errorMessage"] ?? check["description"]}").Distinct()];
    }

    /// <summary>Such as <c>server-tools-list-2026-11-22T23-26-02-841Z</c>.</summary>
    [GeneratedRegex(@"^server-(.+)-\d{4}-\d{2}-\d{2}T[\d-]+Z$")]
    private static partial Regex ResultFolder();
}
