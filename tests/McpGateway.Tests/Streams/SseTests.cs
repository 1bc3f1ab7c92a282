using McpGateway.Tests.Wire;

namespace McpGateway.Tests.Streams;

/// <summary>The HTTP+SSE pair of 2024-11-05 towards clients.</summary>
public sealed class SseTests
{
    private const string Initialize = """{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2024-11-05","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}""";

    [Theory]
    [InlineData("/sse", "/message?", "up__")]
    [InlineData("/mcp/sse", "/mcp/message?", "up__")]
    [InlineData("/mcp/up/sse", "/mcp/up/message?", "")]
    public async Task Pair_CarriesASessionFromItsStartToItsEnd(string path, string messages, string prefix)
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        await gateway.ReadyAsync("up");
        var stream = await EventReader.ListenAsync(gateway, path, null);
        var endpoint = (await stream.NextAsync())!;
        endpoint.Type.ShouldBe("endpoint");
        endpoint.Data.ShouldStartWith(messages);

        (await gateway.PostAsync(endpoint.Data, Initialize)).Status.ShouldBe(202);
        (await stream.NextMessageAsync()).Message["result"]!["protocolVersion"]!.GetValue<string>().ShouldBe("2024-11-05");
        (await gateway.PostAsync(endpoint.Data, """{"jsonrpc":"2.0","method":"notifications/initialized"}""")).Status.ShouldBe(202);
        (await gateway.PostAsync(endpoint.Data, Call(1, $"{prefix}remember", "\"value\":\"mine\""))).Status.ShouldBe(202);
        (await stream.NextMessageAsync()).Message["id"]!.GetValue<int>().ShouldBe(1);
        (await gateway.PostAsync(endpoint.Data, Call(2, $"{prefix}recall", ""))).Status.ShouldBe(202);
        (await stream.NextMessageAsync()).Message["result"]!["content"]![0]!["text"]!.GetValue<string>().ShouldBe("mine");
        (await gateway.PostAsync(endpoint.Data, Call(3, $"{prefix}progress", "", "\"progressToken\":\"t\""))).Status.ShouldBe(202);
        for (var step = 1; step <= 3; step++) (await stream.NextMessageAsync()).Message["params"]!["progress"]!.GetValue<int>().ShouldBe(step);
        var done = await stream.NextMessageAsync();
        done.Message["id"]!.GetValue<int>().ShouldBe(3);
        done.Id.ShouldBeNullOrEmpty();

        var held = upstream.Arrivals.First(arrival => arrival.Method == "tools/call").Session;
        await stream.DisposeAsync();
        await Eventually.HoldsAsync(() => upstream.Arrivals.Any(arrival => arrival.Method == "DELETE" && arrival.Session == held));
        (await gateway.PostAsync(endpoint.Data, Call(4, "up__echo", ""))).Status.ShouldBe(404);
    }

    [Fact]
    public async Task Pair_IsToldOfChangedTools()
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        await gateway.ReadyAsync("up");
        await using var stream = await EventReader.ListenAsync(gateway, "/sse", null);
        var endpoint = (await stream.NextAsync())!;
        await gateway.PostAsync(endpoint.Data, Initialize);
        await stream.NextMessageAsync();

        await ListeningTests.ChangeToolsAsync(gateway, upstream);

        (await stream.NextMessageAsync()).Method.ShouldBe("notifications/tools/list_changed");
    }

    [Fact]
    public async Task Message_IsRefused_WhereThereIsNoStreamForIt()
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        await using var stream = await EventReader.ListenAsync(gateway, "/mcp/sse", null);
        var endpoint = (await stream.NextAsync())!.Data;
        var query = endpoint[endpoint.IndexOf('?', StringComparison.Ordinal)..];

        (await gateway.PostAsync("/mcp/message", Initialize)).Status.ShouldBe(400);
        (await gateway.PostAsync("/mcp/message?sessionId=0123", Initialize)).Status.ShouldBe(404);
        (await gateway.PostAsync($"/mcp/up/message{query}", Initialize)).Status.ShouldBe(404);
        (await gateway.PostAsync($"/mcp/message?sessionId={await gateway.InitializeAsync()}", Initialize)).Status.ShouldBe(404);
        (await gateway.PostAsync(endpoint, "{")).Status.ShouldBe(400);
        await using var nobody = await EventReader.ListenAsync(gateway, "/mcp/nobody/sse", null);
        nobody.Status.ShouldBe(404);
    }

    [Fact]
    public async Task Drain_EndsThePair_WhenItsCallIsAnswered()
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        await gateway.ReadyAsync("up");
        await using var stream = await EventReader.ListenAsync(gateway, "/sse", null);
        var endpoint = (await stream.NextAsync())!.Data;
        await gateway.PostAsync(endpoint, Initialize);
        await stream.NextMessageAsync();
        await gateway.PostAsync(endpoint, Call(1, "up__slow", ""));
        await Eventually.HoldsAsync(() => upstream.Runs("slow") == 1);

        gateway.Service.Terminate();
        await gateway.Service.WaitForLineAsync("Draining: 1 calls under way");
        upstream.Release.SetResult();

        (await stream.NextMessageAsync()).Message["id"]!.GetValue<int>().ShouldBe(1);
        (await stream.NextAsync()).ShouldBeNull();
        (await gateway.Service.WaitForExitAsync()).ShouldBe(0);
    }

    private static string Call(int id, string tool, string arguments, string meta = "") =>
        $"{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"tools/call\",\"params\":{{\"name\":\"{tool}\",\"arguments\":{{{arguments}}}{(meta.Length == 0 ? "" : $",\"_meta\":{{{meta}}}")}}}}}";
}
