using Conformance.Setting;
using Conformance.Suite;

namespace Conformance;

/// <summary>
/// The conformance suite through the gateway. With <c>CONFORMANCE_WRITE=1</c> the committed table and the list of known gaps are written
/// instead of compared. What failed and why is in <c>TestResults/faults.txt</c> after each run.
/// </summary>
public sealed class ConformanceTests(Measurement measurement) : IClassFixture<Measurement>
{
    private static bool Writes => Environment.GetEnvironmentVariable("CONFORMANCE_WRITE") == "1";

    public static TheoryData<string> Cells => [.. Cell.All.Select(cell => cell.ToString())];

    public static TheoryData<string> DirectCells => [.. Cell.All.Where(cell => cell.HasDirect).Select(cell => cell.ToString())];

    [Theory]
    [MemberData(nameof(Cells))]
    public async Task Client_SeesWhatTheRevisionPromises_ThroughTheGateway(string name)
    {
        var results = await measurement.ResultsAsync();
        var cell = Cell.All.Single(cell => cell.ToString() == name);
        var failed = results.Failed(cell).ToArray();
        TestContext.Current.TestOutputHelper?.WriteLine(Report.Faults(failed));
        if (Writes) return;

        var gaps = KnownGaps.Of(cell);
        failed.Where(result => !gaps.Contains(result.Name)).ShouldBeEmpty(Report.Faults(failed));
        gaps.Except(failed.Select(result => result.Name)).ShouldBeEmpty("These pass now: take them off tests/Conformance/known-gaps.json (CONFORMANCE_WRITE=1 does it).");
    }

    [Theory]
    [MemberData(nameof(DirectCells))]
    public async Task Upstream_PassesEverything_WhenAskedDirectly(string name)
    {
        var results = await measurement.ResultsAsync();
        var cell = Cell.All.Single(cell => cell.ToString() == name);

        var failed = Results.Counted(cell).Select(scenario => results.Direct[cell][scenario]).Where(result => !result.Passed).ToArray();

        failed.ShouldBeEmpty(Report.Faults(failed));
    }

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

    [Fact]
    public async Task Document_HoldsTheTable_ThatWasMeasured()
    {
        var results = await measurement.ResultsAsync();
        var table = Report.Of(results);
        TestContext.Current.TestOutputHelper?.WriteLine(table);
        Report.WriteFaults(results);
        if (Writes)
        {
            KnownGaps.Write(results);
            Report.Write(results);
        }

        Report.Committed().ShouldBe(table, "CONFORMANCE_WRITE=1 writes the table into docs/conformance.md.");
    }
}
