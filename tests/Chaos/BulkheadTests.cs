using System.Text;
using System.Text.Json.Nodes;
using Chaos.Fleet;
using Chaos.Gateway;
using FaultyUpstream.Faults;

namespace Chaos;

/// <summary>One dead and one slow upstream cost the others nothing: the others' calls end while those of the slow one are held. No clock decides.</summary>
public sealed class BulkheadTests
{
    private const string Dead = "dead";
    private const string Slow = "slow";
    private const int Held = 20;
    private const int Calls = 60;

    private static readonly string[] s_handshake = ["initialize"];
    private static readonly string[] s_lists = ["tools/list"];

    [Fact]
    public async Task OtherUpstreams_AndTheAggregatesList_Answer_WhileOneIsDeadAndOneHoldsItsCalls()
    {
        using var directory = new TemporaryDirectory();
        // Fewer sessions than calls: some are held upstream, the others wait for a session. A caller of the dead one would wait for minutes.
        var (good, dead, slow) = (await HttpMember.StartAsync("good", "auto"), await HttpMember.StartAsync(Dead, "auto", pool: Patient), await HttpMember.StartAsync(Slow, "auto", pool: ", \"max\": 4, \"acquireTimeout\": \"5m\""));
        await using var gateway = await ChaosGateway.StartAsync(directory, [good, dead, slow]);
        await gateway.ReadyAsync(good, dead, slow);
        await dead.DieAsync();
        slow.Control.Set(new Fault { Kind = FaultKind.Hang, Methods = s_lists });
        var held = Enumerable.Range(0, Held).Select(_ => CallAsync(gateway, Slow, "slow")).ToList();
        await Eventually.SeesAsync(() => gateway.ReportAsync(Slow), report => report["pool"]!["waiting"]!.GetValue<int>() > 0 && slow.Control.Read().Counters.CallsRunning > 0);

        for (var i = 0; i < Calls; i++)
        {
            (await CallAsync(gateway, "good", "echo"))["result"].ShouldNotBeNull();
            var tools = (await PostAsync(gateway, "tools/list", "", null))["result"]!["tools"]!.AsArray().Select(tool => tool!["name"]!.GetValue<string>()).ToList();
            foreach (var upstream in new[] { "good", Dead, Slow }) tools.ShouldContain($"{upstream}__echo", "what was known of an upstream is listed while it is away");
        }

        held.ShouldAllBe(call => !call.IsCompleted, "all that came between came while these were held");
        slow.Control.Behave();
        await ReleaseAsync(slow, held);
        (await Task.WhenAll(held)).ShouldAllBe(answer => answer["result"] != null);
        await dead.ReviveAsync(TestContext.Current.CancellationToken);
        await gateway.ReadyAsync(good, dead, slow);
    }

    [Fact]
    public async Task OpenBreaker_IsAnsweredAtOnce_WithTheReasonAndWhenToComeBack()
    {
        using var directory = new TemporaryDirectory();
        var dead = await HttpMember.StartAsync(Dead, "auto", pool: Patient);
        dead.Control.Set(new Fault { Kind = FaultKind.RateLimited, Methods = s_handshake, RetryAfterS = 900 });
        await using var gateway = await ChaosGateway.StartAsync(directory, [dead]);
        await Eventually.SeesAsync(() => gateway.ReportAsync(Dead), report => report["state"]!.GetValue<string>() == "down");
        var asked = dead.Control.Read().Counters.Requests["initialize"];

        for (var i = 0; i < Calls; i++)
        {
            using var response = await SendAsync(gateway, "tools/call", $"\"name\":\"{Dead}__echo\",\"arguments\":{{}},", $"{Dead}__echo");
            response.Headers.RetryAfter!.Delta!.Value.ShouldBeInRange(TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(15));
            var error = (await ReadAsync(response))["error"]!;
            error["code"]!.GetValue<int>().ShouldBe(-32050);
            error["message"]!.GetValue<string>().ShouldContain("429");
        }

        dead.Control.Read().Counters.Requests["initialize"].ShouldBe(asked, "no caller makes it ask");
        var list = (await PostAsync(gateway, "tools/list", "", null))["result"]!;
        list["tools"]!.AsArray().ShouldBeEmpty();
        var missing = list["_meta"]!["mcp-gateway/missing"]!.AsArray().ShouldHaveSingleItem()!;
        missing["upstream"]!.GetValue<string>().ShouldBe(Dead);
        missing["reason"]!.GetValue<string>().ShouldContain("429");
    }

    /// <summary>Pool members with which a caller that waited would outwait the test.</summary>
    private static string Patient => ", \"acquireTimeout\": \"5m\", \"openTimeout\": \"5m\"";

    /// <summary>Lets the calls go as they come: whoever waited for a session is held after those before him.</summary>
    private static Task ReleaseAsync(HttpMember slow, List<Task<JsonNode>> held) => Eventually.HoldsAsync(() =>
    {
        slow.Control.Release();
        return held.TrueForAll(call => call.IsCompleted);
    });

    private static Task<JsonNode> CallAsync(ChaosGateway gateway, string upstream, string tool) =>
        PostAsync(gateway, "tools/call", $"\"name\":\"{upstream}__{tool}\",\"arguments\":{{{(tool == "echo" ? "\"text\":\"x\"" : "")}}},", $"{upstream}__{tool}");

    private static async Task<JsonNode> PostAsync(ChaosGateway gateway, string method, string parameters, string? name)
    {
        using var response = await SendAsync(gateway, method, parameters, name);
        return await ReadAsync(response);
    }

    private static async Task<HttpResponseMessage> SendAsync(ChaosGateway gateway, string method, string parameters, string? name)
    {
        const string Meta = "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientInfo\":{\"name\":\"chaos\",\"version\":\"1\"},\"io.modelcontextprotocol/clientCapabilities\":{}}";
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(gateway.Current.Address, "/mcp"))
        {
            Content = new StringContent($"{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"{method}\",\"params\":{{{parameters}{Meta}}}}}", Encoding.UTF8, "application/json"),
        };
        request.Headers.TryAddWithoutValidation("Accept", "application/json, text/event-stream");
        request.Headers.TryAddWithoutValidation("MCP-Protocol-Version", "2026-07-28");
        request.Headers.TryAddWithoutValidation("Mcp-Method", method);
        if (name is not null) request.Headers.TryAddWithoutValidation("Mcp-Name", name);
        return await gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
    }

    /// <summary>The last message; a call that took long has got comments of a stream before it.</summary>
    private static async Task<JsonNode> ReadAsync(HttpResponseMessage response) =>
        (await Callers.GatewayReply.ReadAsync(response, TestContext.Current.CancellationToken)).Message!;
}
