using McpGateway.Tests.Wire;
using static FaultyUpstream.Faults.FaultKind;

namespace McpGateway.Classifier.Tests;

/// <summary>More affinities call than an upstream may have sessions: everybody is served in turn, and sessions are not opened call by call.</summary>
public sealed class OverloadTests(ITestOutputHelper output)
{
    private const int Max = 4;
    private const int Callers = 20;
    private const int CallsEach = 50;

    private static readonly string[] s_opening = ["initialize"];

    [Theory]
    [InlineData(9)]
    [InlineData(12)]
    public async Task Affinities_TakeTurns_WhenThereAreMoreThanSessions(int affinities)
    {
        await using var upstream = await FaultyUpstreamHost.StartAsync(new FaultyUpstreamOptions { Faults = [new Fault { Kind = Slow, DelayMs = 500, Methods = s_opening }] });
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", $"{upstream.Mcp}", $", \"type\": \"http\", \"pool\": {{ \"max\": {Max} }}"));
        await ShouldBeServedAsync(gateway, affinities);
    }

    [Fact]
    public async Task Affinities_TakeTurns_AtProcesses()
    {
        await using var gateway = await GatewayProcess.StartAsync($"\"up\": {{ \"command\": \"dotnet\", \"args\": [\"{RepositoryRoot.AssemblyOf("tests/FaultyUpstream")}\", \"--stdio\"], \"pool\": {{ \"max\": {Max} }} }}");
        await ShouldBeServedAsync(gateway, 9);
    }

    private async Task ShouldBeServedAsync(GatewayProcess gateway, int affinities)
    {
        await gateway.ReadyAsync("up");

        var replies = await Task.WhenAll(Enumerable.Range(0, Callers).Select(caller => CallAsync(gateway, $"run/{caller % affinities}")));

        var pool = (await gateway.ReportAsync("up"))["pool"]!;
        var refused = replies.SelectMany(each => each).Where(reply => reply.Text is null).Select(reply => reply.ToString()).ToArray();
        output.WriteLine($"{affinities} affinities on {Max} sessions: {Callers * CallsEach} calls, {refused.Length} refused, {pool["handshakes"]} handshakes");
        refused.ShouldBeEmpty();
        pool["handshakes"]!.GetValue<int>().ShouldBeLessThan(Callers * CallsEach / 10);
    }

    private static async Task<List<Reply>> CallAsync(GatewayProcess gateway, string affinity)
    {
        var replies = new List<Reply>();
        for (var i = 0; i < CallsEach; i++) replies.Add(await gateway.ModernCallAsync("/mcp/up", "echo", """{"text":"a"}""", affinity: affinity));
        return replies;
    }
}
