using McpGateway.Tests.Wire;

namespace McpGateway.Bridge.Tests;

/// <summary>What a subscription is for: its client hears of a change, on whatever the upstream has for it.</summary>
[Collection(nameof(Peers))]
public sealed class SubscriptionTests(Peers peers)
{
    private const string Watched = """{"uri":"test://watched-resource"}""";

    public static TheoryData<string> Upstreams => [.. Peers.Upstreams];

    [Theory, MemberData(nameof(Upstreams))]
    public async Task Change_ReachesTheClientThatSubscribed_OnItsOwnStream(string upstream)
    {
        var client = (OldClient)await peers.ClientAsync("old", upstream);
        await using var heard = await client.ListenAsync();
        (await client.RequestAsync("resources/subscribe", Watched)).Result.ShouldNotBeNull();

        (await client.CallAsync("test_trigger_resource_update")).Result.ShouldNotBeNull();

        var told = await heard.NextAsync();
        told["method"]!.GetValue<string>().ShouldBe("notifications/resources/updated");
        told["params"]!["uri"]!.GetValue<string>().ShouldBe("test://watched-resource");
    }
}

/// <summary>What a client has asked for once holds on the session that replaces a lost one.</summary>
public sealed class RenewalTests
{
    private const string Uri = "test://a";

    [Fact]
    public async Task SubscriptionAndLevel_AreRenewed_WhenTheSessionIsReplaced()
    {
        var lost = "";
        await using var upstream = await OddUpstream.StartAsync();
        upstream.Capabilities = """{"tools":{},"logging":{},"resources":{"subscribe":true}}""";
        upstream.Answer = async (context, message) =>
        {
            if (lost.Length > 0 && OddUpstream.SessionOf(context) == lost) await OddUpstream.ErrorAsync(context, message, 404, -32001);
            else if (message["method"]?.GetValue<string>() is "resources/subscribe" or "logging/setLevel") await OddUpstream.ResultAsync(context, message, "{}");
            else return false;
            return true;
        };
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        var client = await OldClient.ConnectAsync(gateway.Client, "/mcp/up", []);
        await using var heard = await client.ListenAsync();
        (await client.RequestAsync("resources/subscribe", $$"""{"uri":"{{Uri}}"}""")).Result.ShouldNotBeNull();
        (await client.RequestAsync("logging/setLevel", """{"level":"error"}""")).Result.ShouldNotBeNull();

        lost = upstream.Arrivals("resources/subscribe")[0].Session;
        (await client.CallAsync("echo")).Text.ShouldBe("on");

        var next = upstream.Arrivals("tools/call")[^1].Session;
        next.ShouldNotBe(lost);
        var renewed = upstream.Arrivals("resources/subscribe")[^1];
        (renewed.Session, renewed.Message["params"]!["uri"]!.GetValue<string>()).ShouldBe((next, Uri));
        var level = upstream.Arrivals("logging/setLevel")[^1];
        (level.Session, level.Message["params"]!["level"]!.GetValue<string>()).ShouldBe((next, "error"));
        await Eventually.HoldsAsync(() => upstream.Listening.Contains(next));
        upstream.Say(next, $$$"""{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"{{{Uri}}}"}}""");
        var told = await heard.NextAsync();
        told["params"]!["uri"]!.GetValue<string>().ShouldBe(Uri);
    }
}
