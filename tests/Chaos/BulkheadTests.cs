using System.Text.Json.Nodes;
using Chaos.Fleet;
using Chaos.Gateway;
using FaultyUpstream.Faults;

namespace Chaos;

/// <summary>One dead and one hanging upstream cost the others nothing. Times are compared with those of the same run without trouble, round by round.</summary>
public sealed class BulkheadTests(ITestOutputHelper output)
{
    private const int Rounds = 3;
    private const int CallsARound = 60;
    private const int Stuck = 20;

    /// <summary>How many times the undisturbed median is still "the same" on a machine that does other things too. A hanging upstream that held others up would cost thousands.</summary>
    private const double Tolerance = 4;

    [Fact]
    public async Task OtherUpstreams_AndTheAggregatesList_StayAsTheyWere_WhileOneIsDeadAndOneHangs()
    {
        ChaosSettings.SkipUnlessAsked();
        using var directory = new TemporaryDirectory();
        var (good, dying, hanging) = (await HttpMember.StartAsync("good", "auto"), await HttpMember.StartAsync("dying", "auto"), await HttpMember.StartAsync("hanging", "auto", pool: ", \"openTimeout\": \"1s\""));
        await using var gateway = await ChaosGateway.StartAsync(directory, [good, dying, hanging]);
        await gateway.ReadyAsync(good, dying, hanging);
        var (calm, troubled) = (new Times(), new Times());
        await MeasureAsync(gateway, new Times());

        for (var round = 0; round < Rounds; round++)
        {
            await MeasureAsync(gateway, calm);
            await dying.DieAsync();
            var fault = hanging.Control.Set(new Fault { Kind = FaultKind.Hang });
            using var giveUp = new CancellationTokenSource();
            var stuck = Enumerable.Range(0, Stuck).Select(index => CallAsync(gateway, index % 2 == 0 ? "hanging" : "dying", giveUp.Token)).ToList();
            await Eventually.HoldsAsync(() => hanging.Control.Read().Counters.FaultsFired.GetValueOrDefault(FaultKind.Hang) > round);

            await MeasureAsync(gateway, troubled);

            await giveUp.CancelAsync();
            await Task.WhenAll(stuck.Select(EndAsync));
            hanging.Control.Remove(fault);
            await dying.ReviveAsync(TestContext.Current.CancellationToken);
            await gateway.ReadyAsync(good, dying, hanging);
        }

        output.WriteLine($"calls: calm {calm.Call:0.00} ms, troubled {troubled.Call:0.00} ms; lists: calm {calm.List:0.00} ms, troubled {troubled.List:0.00} ms (medians)");
        troubled.Call.ShouldBeLessThan(Tolerance * calm.Call);
        troubled.List.ShouldBeLessThan(Tolerance * calm.List);
    }

    /// <summary>A call of a hanging upstream ends when it is given up, one of a dead upstream with an error.</summary>
    private static async Task EndAsync(Task<JsonNode> call)
    {
        try
        {
            (await call)["error"].ShouldNotBeNull();
        }
        catch (OperationCanceledException)
        {
            // Given up.
        }
    }

    private static async Task MeasureAsync(ChaosGateway gateway, Times times)
    {
        for (var i = 0; i < CallsARound; i++)
        {
            times.Calls.Add(await TimeAsync(async () => (await CallAsync(gateway, "good", TestContext.Current.CancellationToken))["result"].ShouldNotBeNull()));
            times.Lists.Add(await TimeAsync(async () =>
            {
                var tools = (await PostAsync(gateway, "tools/list", "", null, TestContext.Current.CancellationToken))["result"]!["tools"]!.AsArray();
                tools.ShouldContain(tool => tool!["name"]!.GetValue<string>() == "good__echo");
            }));
        }
    }

    private static async Task<TimeSpan> TimeAsync(Func<Task> act)
    {
        var start = TimeProvider.System.GetTimestamp();
        await act();
        return TimeProvider.System.GetElapsedTime(start);
    }

    private static Task<JsonNode> CallAsync(ChaosGateway gateway, string upstream, CancellationToken cancellationToken) =>
        PostAsync(gateway, "tools/call", $"\"name\":\"{upstream}__echo\",\"arguments\":{{\"text\":\"x\"}},", $"{upstream}__echo", cancellationToken);

    private static async Task<JsonNode> PostAsync(ChaosGateway gateway, string method, string parameters, string? name, CancellationToken cancellationToken)
    {
        const string Meta = "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientInfo\":{\"name\":\"chaos\",\"version\":\"1\"},\"io.modelcontextprotocol/clientCapabilities\":{}}";
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(gateway.Current.Address, "/mcp"))
        {
            Content = new StringContent($"{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"{method}\",\"params\":{{{parameters}{Meta}}}}}", System.Text.Encoding.UTF8, "application/json"),
        };
        request.Headers.TryAddWithoutValidation("Accept", "application/json, text/event-stream");
        request.Headers.TryAddWithoutValidation("MCP-Protocol-Version", "2026-07-28");
        request.Headers.TryAddWithoutValidation("Mcp-Method", method);
        if (name is not null) request.Headers.TryAddWithoutValidation("Mcp-Name", name);
        using var response = await gateway.Client.SendAsync(request, cancellationToken);
        return JsonNode.Parse(await response.Content.ReadAsStringAsync(cancellationToken))!;
    }

    private sealed class Times
    {
        public List<TimeSpan> Calls { get; } = [];
        public List<TimeSpan> Lists { get; } = [];
        public double Call => Median(Calls);
        public double List => Median(Lists);

        private static double Median(List<TimeSpan> times) => times.Order().ElementAt(times.Count / 2).TotalMilliseconds;
    }
}
