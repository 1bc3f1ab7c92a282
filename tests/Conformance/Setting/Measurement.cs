using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Conformance.Suite;

namespace Conformance.Setting;

/// <summary>
/// Every cell of the table, measured once for all tests. Upstreams are taken two at a time, which fills a small machine; the two revisions of
/// clients take turns on each, so that what one does to an upstream is not seen by the other.
/// </summary>
public sealed class Measurement
{
    private const int AtOnce = 2;

    /// <summary>What the suite's newer clients declare. A session of each is warm before they come: the suite waits for some answers less than a second.</summary>
    private static readonly string[] s_profiles =
        ["{}", """{"elicitation":{}}""", """{"sampling":{}}""", """{"sampling":{},"elicitation":{},"roots":{"listChanged":true}}"""];

    private readonly Lazy<Task<Results>> _results = new(MeasureAsync);

    /// <summary>What came out; skips the test, or fails it in CI, where the suite is not installed.</summary>
    internal Task<Results> ResultsAsync()
    {
        NpmPeers.Require();
        return _results.Value;
    }

    private static async Task<Results> MeasureAsync()
    {
        var servers = new List<ServiceProcess>();
        try
        {
            var entries = new JsonObject();
            foreach (var upstream in UpstreamUnderTest.All)
            {
                var server = await upstream.StartAsync();
                if (server is not null) servers.Add(server);
                entries.Add(upstream.Entry(server));
            }

            await using var gateway = await Gateway.StartAsync(entries);
            return new Results(await MeasureThroughAsync(gateway), await MeasureDirectAsync());
        }
        finally
        {
            foreach (var server in servers) await server.DisposeAsync();
        }
    }

    private static async Task<IReadOnlyDictionary<Cell, IReadOnlyDictionary<string, ScenarioResult>>> MeasureThroughAsync(Gateway gateway)
    {
        var through = new ConcurrentDictionary<Cell, IReadOnlyDictionary<string, ScenarioResult>>();
        await Parallel.ForEachAsync(UpstreamUnderTest.All, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (upstream, _) =>
        {
            foreach (var capabilities in s_profiles) await gateway.CallAsync(upstream.Name, "test_simple_text", capabilities);
            foreach (var client in RequirementSet.Revisions)
            {
                await gateway.WarmAsync(upstream.Name);
                through[new Cell(client, upstream.Revision, upstream.Transport)] = await ConformanceSuite.RunAsync(gateway.AddressOf(upstream.Name), client);
            }
        });
        return through;
    }

    private static async Task<IReadOnlyDictionary<Cell, IReadOnlyDictionary<string, ScenarioResult>>> MeasureDirectAsync()
    {
        var direct = new ConcurrentDictionary<Cell, IReadOnlyDictionary<string, ScenarioResult>>();
        await Parallel.ForEachAsync(Cell.All.Where(cell => cell.HasDirect), async (cell, _) => direct[cell] = await MeasureDirectAsync(cell));
        return direct;
    }

    private static async Task<IReadOnlyDictionary<string, ScenarioResult>> MeasureDirectAsync(Cell cell)
    {
        await using var server = await UpstreamUnderTest.All.Single(upstream => upstream.Revision == cell.Upstream && upstream.Transport == cell.Transport).StartAsync();
        return await ConformanceSuite.RunAsync(new Uri(server!.BaseAddress, "/mcp"), cell.Client);
    }
}

/// <summary>The results of every cell through the gateway, and directly where that can be.</summary>
internal sealed record Results(
    IReadOnlyDictionary<Cell, IReadOnlyDictionary<string, ScenarioResult>> Through,
    IReadOnlyDictionary<Cell, IReadOnlyDictionary<string, ScenarioResult>> Direct)
{
    /// <summary>The scenarios that count in a cell, in the suite's order.</summary>
    public static IEnumerable<string> Counted(Cell cell) => RequirementSet.Read(cell.Client).Scored.Where(name => !cell.NotApplicable.ContainsKey(name));

    public IEnumerable<ScenarioResult> Failed(Cell cell) => Counted(cell).Select(name => Through[cell][name]).Where(result => !result.Passed);
}
