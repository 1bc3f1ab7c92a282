using McpGateway.Sessions;
using McpGateway.Upstreams.Links;

namespace McpGateway.Classifier.Tests;

/// <summary>The guide tells people what the table does; nobody may have to find out which of the two is right.</summary>
public sealed class GuideTests
{
    [Fact]
    public void Guide_HasTheRowsOfTheTable_InTheirOrder()
    {
        var guide = File.ReadLines(RepositoryRoot.PathOf("docs", "gateway.md"))
            .SkipWhile(line => line != "## What happens when a session is lost")
            .SkipWhile(line => !line.StartsWith("| ---", StringComparison.Ordinal)).Skip(1)
            .TakeWhile(line => line.StartsWith('|'))
            .Select(line => line.Trim('|').Split('|', StringSplitOptions.TrimEntries))
            .Select(cells => $"{cells[0]}: {cells[2]}, {cells[3]}, {cells[4]}");

        guide.ShouldBe(FailureTable.Rows.Select(row =>
            $"{row.Name}: {On(row, FailureTransports.Http)}, {On(row, FailureTransports.Sse)}, {On(row, FailureTransports.Stdio)}"));
    }

    private static string On(FailureShape row, FailureTransports transport) =>
        row.On.HasFlag(transport) ? $"{Spell(row.Kind)}{(row.NeedsProbe ? " if gone" : "")}" : "–";

    private static string Spell(FailureKind? kind) => kind switch
    {
        null => "passed on",
        FailureKind.SessionLost => "repeated",
        FailureKind.OutcomeUnknown => "unknown",
        FailureKind.OneSession => "maximum",
        FailureKind.NotMcp => "not MCP",
        _ => kind.Value.ToString().ToLowerInvariant(),
    };
}
