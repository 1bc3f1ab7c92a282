using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace McpGateway.Tests.Wire;

/// <summary>Several upstreams behind <c>/mcp</c>.</summary>
public sealed class AggregateTests
{
    [Theory]
    [InlineData(Speech.Sessions)]
    [InlineData(Speech.Modern)]
    [InlineData(Speech.Sse)]
    public async Task PromptsAndResources_OfAllUpstreams_AreListedGotAndRead(object speech)
    {
        await using var one = await StartAsync((Speech)speech, "one", prompts: ["greet"], resources: ["test://one/a"], templates: ["test://one/{id}/data"]);
        await using var two = await StartAsync(Speech.Sessions, "two", prompts: ["greet", "part"], resources: ["test://two/a"]);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("one", one.Url), GatewayProcess.Entry("two", two.Url));
        await ReadyAsync(gateway, "one", "two");
        var session = await gateway.InitializeAsync();

        var prompts = await gateway.RequestAsync(session, "/mcp", "prompts/list");
        var resources = await gateway.ModernRequestAsync("/mcp", "resources/list");
        var templates = await gateway.RequestAsync(session, "/mcp", "resources/templates/list");

        Names(prompts, "prompts", "name").ShouldBe(["one__greet", "two__greet", "two__part"]);
        prompts.Last["result"]!["prompts"]![0]!["description"]!.GetValue<string>().ShouldBe("α\u2028β");
        prompts.Last["result"]!.AsObject().Select(member => member.Key).ShouldBe(["prompts"], "hints are of 2026-07-28");
        Names(resources, "resources", "uri").ShouldBe(["test://one/a", "test://two/a"]);
        resources.Last["result"]!["cacheScope"]!.GetValue<string>().ShouldBe("private");
        resources.Last["result"]!["ttlMs"]!.GetValue<long>().ShouldBeInRange(1, 300_000);
        Names(templates, "resourceTemplates", "uriTemplate").ShouldBe(["test://one/{id}/data"]);
        one.Count("prompts/list").ShouldBe(1, "lists are served without touching the upstream");

        (await gateway.RequestAsync(session, "/mcp", "prompts/get", """{"name":"two__greet"}""")).Last["result"]!["description"]!.GetValue<string>().ShouldBe("greet");
        (await gateway.ModernRequestAsync("/mcp", "prompts/get", "\"name\":\"one__greet\"", "one__greet")).Last["result"]!["description"]!.GetValue<string>().ShouldBe("greet");
        Read(await gateway.RequestAsync(session, "/mcp", "resources/read", """{"uri":"test://two/a"}""")).ShouldBe("two");
        Read(await gateway.ModernRequestAsync("/mcp", "resources/read", "\"uri\":\"test://one/7/data\"", "test://one/7/data")).ShouldBe("one");
        (one.Count("prompts/get"), two.Count("prompts/get")).ShouldBe((1, 1));
    }

    [Fact]
    public async Task Completion_GoesToTheOwner_UnderItsOwnName()
    {
        await using var one = await StartAsync(Speech.Sessions, "one", prompts: ["greet"], templates: ["test://one/{id}"]);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("one", one.Url));
        await ReadyAsync(gateway, "one");
        var session = await gateway.InitializeAsync();

        var prompt = await gateway.RequestAsync(session, "/mcp", "completion/complete", """{"ref":{"type":"ref/prompt","name":"one__greet"},"argument":{"name":"a","value":"b"}}""");
        var template = await gateway.ModernRequestAsync("/mcp", "completion/complete", """ "ref":{"type":"ref/resource","uri":"test://one/{id}"},"argument":{"name":"id","value":"7"}""");
        var unknown = await gateway.RequestAsync(session, "/mcp", "completion/complete", """{"ref":{"type":"ref/prompt","name":"greet"},"argument":{"name":"a","value":"b"}}""");

        prompt.Last["result"]!["completion"]!["values"]![0]!.GetValue<string>().ShouldBe("""{"type":"ref/prompt","name":"greet"}""");
        template.Last["result"]!["completion"]!["values"]![0]!.GetValue<string>().ShouldContain("test://one/{id}");
        unknown.ErrorCode.ShouldBe(-32602);
        unknown.ErrorText!.ShouldStartWith("Unknown prompt: greet.");
    }

    [Fact]
    public async Task LongAndStrangeNames_AreShortened_AndFindTheirWayBack()
    {
        const string Long = "a_tool_whose_name_is_much_too_long_for_any_model_that_there_is_today";
        await using var one = await StartAsync(Speech.Sessions, "one", tools: [Long, "files.read"]);
        await using var other = await StartAsync(Speech.Sessions, "other", tools: [Long]);
        using var directory = new TemporaryDirectory();
        string[] before;
        await using (var first = await GatewayProcess.StartAsync(directory, ownsDirectory: false, null, GatewayProcess.Entry("one", one.Url), GatewayProcess.Entry("other", other.Url)))
        {
            await ReadyAsync(first, "one", "other");
            before = Names(await first.ModernRequestAsync("/mcp", "tools/list"), "tools", "name").Where(name => name.StartsWith("one__", StringComparison.Ordinal)).ToArray();
        }

        // Another gateway, without the other upstream: the same names, which it has never given out itself.
        await using var second = await GatewayProcess.StartAsync(GatewayProcess.Entry("one", one.Url));
        await ReadyAsync(second, "one");
        foreach (var name in before.TakeLast(2))
        {
            name.Length.ShouldBeLessThanOrEqualTo(64);
            (await second.ModernCallAsync("/mcp", name, """{"text":"found"}""")).Text.ShouldBe("found", name);
        }

        (one.Runs(Long), one.Runs("files.read")).ShouldBe((1, 1));
        Names(await second.ModernRequestAsync("/mcp", "tools/list"), "tools", "name").ShouldBe(before);
        (await second.ModernCallAsync("/mcp", "one__nothing_0123456789ab")).ErrorCode.ShouldBe(-32602);
    }

    [Fact]
    public async Task AResourceOfTwo_IsThatOfTheFirstInTheFile_AndTheOtherSaysSo()
    {
        await using var second = await StartAsync(Speech.Sessions, "second", resources: ["test://same", "test://b"]);
        await using var first = await StartAsync(Speech.Sessions, "first", resources: ["test://same"], templates: ["test://{any}"]);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("z-first", first.Url), GatewayProcess.Entry("a-second", second.Url));
        await ReadyAsync(gateway, "z-first", "a-second");

        var listed = await gateway.ModernRequestAsync("/mcp", "resources/list");

        Names(listed, "resources", "uri").ShouldBe(["test://same", "test://b"]);
        Read(await gateway.ModernRequestAsync("/mcp", "resources/read", "\"uri\":\"test://same\"", "test://same")).ShouldBe("first");
        // A list stands before a template, whatever the order.
        Read(await gateway.ModernRequestAsync("/mcp", "resources/read", "\"uri\":\"test://b\"", "test://b")).ShouldBe("second");
        Read(await gateway.ModernRequestAsync("/mcp", "resources/read", "\"uri\":\"test://c\"", "test://c")).ShouldBe("first");
        var report = await gateway.ReportAsync("a-second");
        report["timeline"]!.AsArray().Count(at => at!["what"]!.GetValue<string>() == "shadowed on the aggregate").ShouldBe(1);
    }

    [Fact]
    public async Task Subscription_GoesToTheOwner_AndALogLevelIsTaken()
    {
        await using var one = await StartAsync(Speech.Sessions, "one", resources: ["test://one"]);
        await using var two = await StartAsync(Speech.Sessions, "two", templates: ["test://two/{id}"]);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("one", one.Url), GatewayProcess.Entry("two", two.Url));
        await ReadyAsync(gateway, "one", "two");
        var session = await gateway.InitializeAsync();

        (await gateway.RequestAsync(session, "/mcp", "resources/subscribe", """{"uri":"test://two/7"}""")).Last["result"].ShouldNotBeNull();
        (await gateway.RequestAsync(session, "/mcp", "resources/unsubscribe", """{"uri":"test://two/7"}""")).Last["result"].ShouldNotBeNull();
        (await gateway.RequestAsync(session, "/mcp", "resources/subscribe", """{"uri":"test://three"}""")).ErrorCode.ShouldBe(-32002);
        (await gateway.RequestAsync(session, "/mcp", "logging/setLevel", """{"level":"error"}""")).Last["result"].ShouldNotBeNull();
        (await gateway.RequestAsync(session, "/mcp", "logging/setLevel", """{"level":"loud"}""")).ErrorCode.ShouldBe(-32602);

        (one.Count("resources/subscribe"), two.Count("resources/subscribe"), two.Count("resources/unsubscribe")).ShouldBe((0, 1, 1));
    }

    [Fact]
    public async Task AResourceOfNobody_IsRefusedByTheErasOwnCode()
    {
        await using var one = await StartAsync(Speech.Sessions, "one", resources: ["test://a"]);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("one", one.Url));
        await ReadyAsync(gateway, "one");
        var session = await gateway.InitializeAsync();

        var legacy = await gateway.RequestAsync(session, "/mcp", "resources/read", """{"uri":"test://none"}""");
        var modern = await gateway.ModernRequestAsync("/mcp", "resources/read", "\"uri\":\"test://none\"", "test://none");

        (legacy.ErrorCode, modern.ErrorCode).ShouldBe((-32002, -32602));
        modern.Last["error"]!["data"]!["uri"]!.GetValue<string>().ShouldBe("test://none");
        modern.ErrorText!.ShouldContain("/mcp/{upstream}");
    }

    [Fact]
    public async Task Introduction_SaysWhatAllCanDo_AndWhoIsMissing()
    {
        await using var one = await StartAsync(Speech.Sessions, "Ask me first.", prompts: ["greet"]);
        await using var two = await StartAsync(Speech.Sessions, new string('x', 5000), resources: ["test://a"]);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("one", one.Url), GatewayProcess.Entry("two", two.Url));
        await ReadyAsync(gateway, "one", "two");

        var whole = (await gateway.ModernRequestAsync("/mcp", "server/discover")).Last["result"]!;
        gateway.Rewrite(GatewayProcess.Entry("one", one.Url), GatewayProcess.Entry("dead", "http://127.0.0.1:9/mcp"));
        var partial = await Eventually.SeesAsync(async () => (await gateway.ModernRequestAsync("/mcp", "server/discover")).Last["result"]!, result => result["_meta"]!["mcp-gateway/missing"] is not null);

        whole["capabilities"]!.AsObject().Select(member => member.Key).Order().ShouldBe(["completions", "logging", "prompts", "resources", "tools"]);
        whole["capabilities"]!["prompts"]!["listChanged"]!.GetValue<bool>().ShouldBeTrue();
        var instructions = whole["instructions"]!.GetValue<string>();
        instructions.ShouldContain("\n\none:\nAsk me first.\n\ntwo:\nxxx");
        instructions.Length.ShouldBeLessThan(5000);
        whole["_meta"]!["mcp-gateway/missing"].ShouldBeNull();
        partial["_meta"]!["mcp-gateway/missing"]![0]!["upstream"]!.GetValue<string>().ShouldBe("dead");
        partial["capabilities"]!.AsObject().ContainsKey("resources").ShouldBeTrue("the missing one may have some");
    }

    [Fact]
    public async Task Lists_AreReadToTheirEnd_AndPagedByCursorsOfOurs()
    {
        await using var one = await StartAsync(Speech.Sessions, "one", prompts: [.. Enumerable.Range(0, 25).Select(i => $"p{i}")]);
        one.PageSize = 10;
        using var directory = new TemporaryDirectory();
        var environment = new Dictionary<string, string?> { ["Gateway__PageSize"] = "7" };
        await using var gateway = await GatewayProcess.StartAsync(directory, ownsDirectory: false, environment, GatewayProcess.Entry("one", one.Url));
        await ReadyAsync(gateway, "one");
        var session = await gateway.InitializeAsync();

        foreach (var (path, prefix) in new[] { ("/mcp", "one__"), ("/mcp/one", "") })
        {
            var seen = new List<string>();
            string? cursor = null;
            do
            {
                var page = await gateway.ModernRequestAsync(path, "prompts/list", cursor is null ? "" : $"\"cursor\":\"{cursor}\"");
                seen.AddRange(Names(page, "prompts", "name"));
                cursor = page.Last["result"]!["nextCursor"]?.GetValue<string>();
            }
            while (cursor is not null);
            seen.ShouldBe(Enumerable.Range(0, 25).Select(i => $"{prefix}p{i}"));
        }

        var of = (await gateway.ModernRequestAsync("/mcp", "prompts/list")).Last["result"]!["nextCursor"]!.GetValue<string>();
        foreach (var (method, wrong) in new[] { ("prompts/list", "made-up"), ("prompts/list", of[1..]), ("tools/list", of), ("prompts/list", $"{of}x") })
        {
            var refused = await gateway.ModernRequestAsync("/mcp", method, $"\"cursor\":\"{wrong}\"");
            refused.ErrorCode.ShouldBe(-32602, $"{method} {wrong}");
            refused.ErrorText!.ShouldContain("Start again");
        }

        (await gateway.ModernRequestAsync("/mcp/one", "prompts/list", $"\"cursor\":\"{of}\"")).ErrorCode.ShouldBe(-32602, "it is of a list with other names");
        one.Count("prompts/list").ShouldBe(3);
    }

    [Fact]
    public async Task AnUpstreamThatCannotBeListed_IsMissing_AndComesInByItself()
    {
        await using var one = await StartAsync(Speech.Sessions, "one", prompts: ["greet"]);
        var refuses = true;
        one.Misbehave = async (context, message) =>
        {
            if (!refuses || message?["method"]?.GetValue<string>() != "prompts/list") return false;
            context.Response.ContentType = "application/json";
            await context.Response.WriteAsync(new JsonObject { ["jsonrpc"] = "2.0", ["id"] = message["id"]!.DeepClone(), ["error"] = new JsonObject { ["code"] = -32603, ["message"] = "later" } }.ToJsonString());
            return true;
        };
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("one", one.Url));
        await ReadyAsync(gateway, "one");
        var session = await gateway.InitializeAsync();

        var partial = await gateway.RequestAsync(session, "/mcp", "prompts/list");
        refuses = false;
        var whole = await Eventually.SeesAsync(() => gateway.RequestAsync(session, "/mcp", "prompts/list"), reply => reply.Last["result"]!["_meta"] is null);

        partial.Last["result"]!["_meta"]!["mcp-gateway/missing"]![0]!["state"]!.GetValue<string>().ShouldBe("incomplete");
        Names(whole, "prompts", "name").ShouldBe(["one__greet"]);
    }

    private static Task<JsonNode[]> ReadyAsync(GatewayProcess gateway, params string[] names) => Task.WhenAll(names.Select(name => gateway.ReadyAsync(name)));

    internal static string[] Names(Reply reply, string list, string member)
    {
        reply.ErrorCode.ShouldBeNull(reply.ToString());
        return [.. reply.Last["result"]![list]!.AsArray().Select(entry => entry![member]!.GetValue<string>())];
    }

    private static string? Read(Reply reply) => reply.Last["result"]?["contents"]?[0]?["text"]?.GetValue<string>() ?? reply.ToString();

    internal static async Task<ScriptedUpstream> StartAsync(Speech speech, string greeting, string[]? tools = null, string[]? prompts = null, string[]? resources = null, string[]? templates = null)
    {
        var upstream = await ScriptedUpstream.StartAsync(speech);
        upstream.Greeting = greeting;
        foreach (var tool in tools ?? []) upstream.MoreTools.Enqueue(tool);
        foreach (var prompt in prompts ?? []) upstream.Prompts.Enqueue(prompt);
        foreach (var resource in resources ?? []) upstream.Resources.Enqueue(resource);
        foreach (var template in templates ?? []) upstream.Templates.Enqueue(template);
        return upstream;
    }
}
