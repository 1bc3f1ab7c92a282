using McpGateway.Tests.Wire;

namespace McpGateway.Tests.Streams;

/// <summary>Messages outside any call: who is told of changed tools, on which stream, and what a client that was away gets.</summary>
public sealed class ListeningTests
{
    private const string ListChanged = "notifications/tools/list_changed";

    [Theory]
    [InlineData("2025-11-25", true)]
    [InlineData("2025-06-18", false)]
    [InlineData("2025-03-26", false)]
    public async Task Stream_BeginsWithAnEventId_WhereTheRevisionKnowsIt(string version, bool primes)
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        await gateway.ReadyAsync("up");
        await using var stream = await EventReader.ListenAsync(gateway, "/mcp", await gateway.InitializeAsync(version: version));

        await ChangeToolsAsync(gateway, upstream);

        stream.Status.ShouldBe(200);
        var first = (await stream.NextAsync())!;
        first.Id.ShouldNotBeNullOrEmpty();
        (first.Data.Length == 0).ShouldBe(primes);
        var message = primes ? await stream.NextMessageAsync() : first;
        message.Method.ShouldBe(ListChanged);
    }

    [Fact]
    public async Task ChangedTools_AreToldToWhoeverSeesThem_AndToNobodyElse()
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var other = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url), GatewayProcess.Entry("other", other.Url));
        await gateway.ReadyAsync("up");
        await gateway.ReadyAsync("other");
        await using var all = await EventReader.ListenAsync(gateway, "/mcp", await gateway.InitializeAsync());
        await using var own = await EventReader.ListenAsync(gateway, "/mcp/up", await gateway.InitializeAsync("/mcp/up"));
        await using var others = await EventReader.ListenAsync(gateway, "/mcp/other", await gateway.InitializeAsync("/mcp/other"));

        await ChangeToolsAsync(gateway, upstream);
        (await all.NextMessageAsync()).Method.ShouldBe(ListChanged);
        (await own.NextMessageAsync()).Method.ShouldBe(ListChanged);
        await ChangeToolsAsync(gateway, other, "other");

        // Its first message is of its own upstream's change: the one before was not for it.
        (await others.NextMessageAsync()).Id!.Split('-')[1].ShouldBe("1");
        (await all.NextMessageAsync()).Id!.Split('-')[1].ShouldBe("2");
    }

    [Fact]
    public async Task MissingUpstream_IsAnnounced_WhenItComesBack()
    {
        var free = await ScriptedUpstream.StartAsync(Speech.Sessions);
        var port = free.BaseAddress.Port;
        await free.DisposeAsync();
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", $"http://127.0.0.1:{port}/mcp"));
        await Eventually.SeesAsync(() => gateway.ReportAsync("up"), report => report["state"]!.GetValue<string>() == "down");
        await using var stream = await EventReader.ListenAsync(gateway, "/mcp", await gateway.InitializeAsync());

        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions, port);

        (await stream.NextMessageAsync()).Method.ShouldBe(ListChanged);
    }

    [Fact]
    public async Task Message_GoesOnOneOfTwoStreams_AndAfterItsEndOnTheOther()
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        await gateway.ReadyAsync("up");
        var session = await gateway.InitializeAsync();
        await using var older = await EventReader.ListenAsync(gateway, "/mcp", session);
        var newer = await EventReader.ListenAsync(gateway, "/mcp", session);
        (await older.NextAsync())!.Data.ShouldBe("");

        await ChangeToolsAsync(gateway, upstream);
        (await newer.NextMessageAsync()).Method.ShouldBe(ListChanged);
        await newer.DisposeAsync();
        await StreamsAsync(gateway, session, connected: 1);
        await ChangeToolsAsync(gateway, upstream);

        var event1 = await older.NextMessageAsync();
        (event1.Method, event1.Id!.Split('-')[1]).ShouldBe((ListChanged, "1"));
    }

    [Fact]
    public async Task Client_ThatWasAway_GetsWhatItMissed_Once()
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        await gateway.ReadyAsync("up");
        var session = await gateway.InitializeAsync();
        var stream = await EventReader.ListenAsync(gateway, "/mcp", session);
        var primed = (await stream.NextAsync())!.Id!;
        await stream.DisposeAsync();
        await StreamsAsync(gateway, session, connected: 0);
        await ChangeToolsAsync(gateway, upstream);
        await ChangeToolsAsync(gateway, upstream);

        await using var again = await EventReader.ListenAsync(gateway, "/mcp", session, after: primed);
        var missed = await again.NextMessageAsync();
        missed.Method.ShouldBe(ListChanged);
        await ChangeToolsAsync(gateway, upstream);

        // Two changes while it was away are one message; the next event is the third change.
        var next = await again.NextMessageAsync();
        next.Id!.Split('-')[0].ShouldBe(primed.Split('-')[0]);
        (missed.Id!.Split('-')[1], next.Id.Split('-')[1]).ShouldBe(("1", "2"));
    }

    [Fact]
    public async Task Delete_EndsTheStream()
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        await gateway.ReadyAsync("up");
        var session = await gateway.InitializeAsync();
        await using var stream = await EventReader.ListenAsync(gateway, "/mcp", session);
        (await stream.NextAsync())!.Data.ShouldBe("");

        using var delete = new HttpRequestMessage(HttpMethod.Delete, "/mcp");
        delete.Headers.Add("Mcp-Session-Id", session);
        (await gateway.Client.SendAsync(delete, TestContext.Current.CancellationToken)).StatusCode.ShouldBe(System.Net.HttpStatusCode.NoContent);

        (await stream.NextAsync()).ShouldBeNull();
        await using var again = await EventReader.ListenAsync(gateway, "/mcp", session);
        again.Status.ShouldBe(404);
    }

    [Fact]
    public async Task Drain_EndsTheStreamAtOnce_WhileACallStillRuns()
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        await gateway.ReadyAsync("up");
        var session = await gateway.InitializeAsync();
        await using var stream = await EventReader.ListenAsync(gateway, "/mcp", session);
        (await stream.NextAsync())!.Data.ShouldBe("");
        var slow = gateway.CallAsync(session, "/mcp", "up__slow");
        await Eventually.HoldsAsync(() => upstream.Runs("slow") == 1);

        gateway.Service.Terminate();

        (await stream.NextAsync()).ShouldBeNull();
        stream.Retry.ShouldBe(TimeSpan.FromSeconds(1));
        slow.IsCompleted.ShouldBeFalse();
        upstream.Release.SetResult();
        (await slow).Text.ShouldBe("slow");
        (await gateway.Service.WaitForExitAsync()).ShouldBe(0);
    }

    /// <summary>Makes an upstream list one tool more, and the gateway notice.</summary>
    internal static async Task ChangeToolsAsync(GatewayProcess gateway, ScriptedUpstream upstream, string name = "up")
    {
        upstream.MoreTools.Enqueue($"tool{upstream.MoreTools.Count}");
        var wanted = upstream.MoreTools.Count;
        (await gateway.Client.PostAsync(new Uri($"/upstreams/{name}/clear", UriKind.Relative), null, TestContext.Current.CancellationToken)).EnsureSuccessStatusCode();
        await Eventually.SeesAsync(() => gateway.ReportAsync(name), report => report["tools"]?.GetValue<int>() == ScriptedUpstream.OwnTools + wanted);
    }

    /// <summary>Waits until the gateway has noticed who listens.</summary>
    internal static Task StreamsAsync(GatewayProcess gateway, string session, int connected) => Eventually.SeesAsync(
        () => gateway.SessionAsync(session), report => report["streams"]!.AsArray().Count(stream => stream!["connected"]!.GetValue<bool>()) == connected);
}
