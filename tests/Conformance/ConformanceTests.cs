using Conformance.Peers;
using Conformance.Setting;
using Conformance.Suite;

namespace Conformance;

/// <summary>
/// The conformance suite through the gateway, and peers other people wrote. With <c>CONFORMANCE_WRITE=1</c> the committed tables and the list of
/// known gaps are written instead of compared. What failed and why is in <c>TestResults/faults.txt</c> after each run.
/// </summary>
public sealed class ConformanceTests(Measurement measurement, PeerMeasurement peers)
{
    private static bool Writes => Environment.GetEnvironmentVariable("CONFORMANCE_WRITE") == "1";

    public static TheoryData<string> Cells => [.. Cell.All.Select(cell => cell.ToString())];

    public static TheoryData<string> DirectCells => [.. Cell.All.Where(cell => cell.HasDirect).Select(cell => cell.ToString())];

    public static TheoryData<string> Pairs => [.. PeerPair.All.Select(pair => pair.ToString())];

    [Theory]
    [InlineData(RequirementSet.Legacy, 30)]
    [InlineData(RequirementSet.Modern, 37)]
    public void RequirementSet_HasEveryScenario_OfThePackage(string revision, int scored)
    {
        NpmPeers.Require();
        var set = RequirementSet.Read(revision);

        set.Scored.Count.ShouldBe(scored);
        set.Scored.ShouldContain("tools-call-simple-text");
        set.Unscored["json-schema-2020-12"].ShouldBe("pending");
    }

    [Theory]
    [MemberData(nameof(DirectCells))]
    public async Task Upstream_PassesEverything_WhenAskedDirectly(string name)
    {
        var results = await measurement.ResultsAsync();
        var cell = Cell.All.Single(cell => cell.ToString() == name);

        var failed = Results.Counted(cell).Select(scenario => results.Direct[cell][scenario]).Where(result => !result.Passed);

        failed.SelectMany(result => result.Faults).ShouldBeEmpty();
    }

    [Theory]
    [MemberData(nameof(Cells))]
    public async Task Client_SeesWhatTheRevisionPromises_ThroughTheGateway(string name)
    {
        var findings = await FindingsAsync();
        CompareWithKnownGaps(name, [.. findings.Of(Cell.All.Single(cell => cell.ToString() == name))]);
    }

    [Theory]
    [MemberData(nameof(Pairs))]
    public async Task Peers_GetOn_ThroughTheGateway(string name)
    {
        var findings = await FindingsAsync();
        CompareWithKnownGaps(name, [.. findings.Of(PeerPair.All.Single(pair => pair.ToString() == name))]);
    }

    [Fact]
    public async Task Document_HoldsTheTables_ThatWereMeasured()
    {
        var findings = await FindingsAsync();
        var tables = Report.Of(findings);
        TestContext.Current.TestOutputHelper?.WriteLine(tables);
        Report.WriteFaults(findings);
        if (Writes)
        {
            KnownGaps.Write(findings);
            Report.Write(findings);
        }

        Report.Committed().ShouldBe(tables, "CONFORMANCE_WRITE=1 writes the tables into docs/conformance.md.");
    }

    private async Task<Findings> FindingsAsync() => new(await measurement.ResultsAsync(), await peers.ToursAsync());

    private static void CompareWithKnownGaps(string where, Fault[] faults)
    {
        TestContext.Current.TestOutputHelper?.WriteLine(Report.Explain(faults));
        if (Writes) return;
        var known = KnownGaps.Of(where);
        faults.Where(fault => !known.Contains(fault.What)).ShouldBeEmpty(Report.Explain(faults));
        known.Except(faults.Select(fault => fault.What)).ShouldBeEmpty("These pass now: take them off tests/Conformance/known-gaps.json (CONFORMANCE_WRITE=1 does it).");
    }
}
