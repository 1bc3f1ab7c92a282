namespace McpGateway.Tests.Wire;

/// <summary>What callers may see and call, by configuration.</summary>
public sealed class AccessTests
{
    [Theory]
    [InlineData(""", "allow": ["echo", "*reet", "test://a/*"], "deny": ["test://a/secret*"]""", null)]
    [InlineData(""", "allow": { "tools": ["ech?"], "prompts": ["greet"] }, "deny": { "resources": ["*secret*", "test://b"] }""", null)]
    [InlineData("", "anonymous")]
    [InlineData("", "*")]
    public async Task WhatIsNotAllowed_IsNeitherListedNorCalled(string rules, string? caller)
    {
        await using var upstream = await AggregateTests.StartAsync(Speech.Sessions, "up", prompts: ["greet", "hidden"], resources: ["test://a/open", "test://a/secret", "test://b"], templates: ["test://a/{id}", "secret://{id}"]);
        using var directory = new TemporaryDirectory();
        var environment = caller is null ? null : new Dictionary<string, string?>
        {
            [$"Gateway__Callers__{caller}__up__allow__0"] = "echo",
            [$"Gateway__Callers__{caller}__up__allow__1"] = "greet",
            [$"Gateway__Callers__{caller}__up__allow__2"] = "test://a/*",
            [$"Gateway__Callers__{caller}__up__deny__resources__0"] = "*secret*",
            ["Gateway__Callers__somebody-else__up__deny__0"] = "*",
        };
        await using var gateway = await GatewayProcess.StartAsync(directory, ownsDirectory: false, environment, GatewayProcess.Entry("up", upstream.Url, rules));
        await gateway.ReadyAsync("up");

        foreach (var (path, prefix) in new[] { ("/mcp", "up__"), ("/mcp/up", "") })
        {
            var session = await gateway.InitializeAsync(path);
            AggregateTests.Names(await gateway.RequestAsync(session, path, "tools/list"), "tools", "name").ShouldBe([$"{prefix}echo"]);
            AggregateTests.Names(await gateway.ModernRequestAsync(path, "prompts/list"), "prompts", "name").ShouldBe([$"{prefix}greet"]);
            AggregateTests.Names(await gateway.RequestAsync(session, path, "resources/list"), "resources", "uri").ShouldBe(["test://a/open"]);
            AggregateTests.Names(await gateway.RequestAsync(session, path, "resources/templates/list"), "resourceTemplates", "uriTemplate").ShouldBe(["test://a/{id}"]);
            (await gateway.CallAsync(session, path, $"{prefix}echo", """{"text":"hi"}""")).Text.ShouldBe("hi");

            var hidden = await gateway.CallAsync(session, path, $"{prefix}remember", """{"value":"x"}""");
            var none = await gateway.CallAsync(session, path, $"{prefix}nothing");
            (hidden.ErrorCode, hidden.ErrorText).ShouldBe((-32602, none.ErrorText!.Replace("nothing", "remember", StringComparison.Ordinal)));
            (await gateway.RequestAsync(session, path, "prompts/get", $$"""{"name":"{{prefix}}hidden"}""")).ErrorCode.ShouldBe(-32602);
            (await gateway.RequestAsync(session, path, "completion/complete", $$$"""{"ref":{"type":"ref/prompt","name":"{{{prefix}}}hidden"},"argument":{"name":"a","value":"b"}}""")).ErrorCode.ShouldBe(-32602);
            (await gateway.ModernRequestAsync(path, "resources/read", "\"uri\":\"test://a/secret\"", "test://a/secret")).ErrorCode.ShouldBe(-32602);
            (await gateway.ModernRequestAsync(path, "resources/read", "\"uri\":\"test://b\"", "test://b")).ErrorCode.ShouldBe(-32602);
        }

        (upstream.Runs("remember"), upstream.Runs("nothing"), upstream.Count("prompts/get"), upstream.Count("resources/read"), upstream.Count("completion/complete")).ShouldBe((0, 0, 0, 0, 0));
    }

    [Fact]
    public async Task AnUpstreamClosedToACaller_IsNotNamedToHim()
    {
        await using var open = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var closed = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("open", open.Url), GatewayProcess.Entry("closed", closed.Url, """, "deny": ["*"]"""));
        await Task.WhenAll(gateway.ReadyAsync("open"), gateway.ReadyAsync("closed"));

        var said = await gateway.ModernRequestAsync("/mcp", "server/discover");
        var refused = await gateway.ModernCallAsync("/mcp", "closed__echo");

        said.ToString().ShouldNotContain("closed");
        refused.ErrorCode.ShouldBe(-32602);
        refused.ErrorText!.ShouldEndWith("upstreams are open.");
    }
}
