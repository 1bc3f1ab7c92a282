using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace McpGateway.Tests.Wire;

/// <summary>What a collector gets from a gateway that serves calls, over OTLP.</summary>
public sealed class MetricTests
{
    [Fact]
    public async Task Calls_AreMeasuredAtBothEnds_WithTheAttributesOfTheConventions()
    {
        await using var sink = await OtlpSink.StartAsync();
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await StartAsync(sink, upstream.Url);
        await gateway.ReadyAsync("up");
        upstream.Misbehave = async (context, message) => message?["params"]?["name"]?.GetValue<string>() switch
        {
            "no-such-tool" => await SayAsync(context, message, "\"error\":{\"code\":-32602,\"message\":\"Unknown tool\"}"),
            "cut" => await SayAsync(context, message, "\"result\":{\"content\":[{\"type\":\"text\",\"text\":\"no\"}],\"isError\":true}"),
            _ => false,
        };
        var session = await gateway.InitializeAsync();

        (await gateway.CallAsync(session, "/mcp", "up__echo", """{"text":"x"}""")).Text.ShouldBe("x");
        (await gateway.ModernCallAsync("/mcp/up", "no-such-tool")).ErrorCode.ShouldBe(-32602);
        (await gateway.ModernCallAsync("/mcp/up", "cut")).Text.ShouldBe("no");
        using var ended = new HttpRequestMessage(HttpMethod.Delete, "/mcp") { Headers = { { "Mcp-Session-Id", session } } };
        (await gateway.Client.SendAsync(ended, TestContext.Current.CancellationToken)).EnsureSuccessStatusCode();

        var port = upstream.BaseAddress.Port.ToString(System.Globalization.CultureInfo.InvariantCulture);
        await SeesAsync(sink, "mcp.client.operation.duration", ("mcp.method.name", "tools/call"), ("gen_ai.tool.name", "echo"), ("gen_ai.operation.name", "execute_tool"), ("mcp.protocol.version", "2025-11-25"),
            ("network.transport", "tcp"), ("network.protocol.name", "http"), ("server.address", "127.0.0.1"), ("server.port", port), ("error.type", null), ("mcp.gateway.upstream", "up"));
        await SeesAsync(sink, "mcp.client.operation.duration", ("gen_ai.tool.name", null), ("error.type", "-32602"), ("rpc.response.status_code", "-32602"));
        await SeesAsync(sink, "mcp.server.operation.duration", ("mcp.method.name", "tools/call"), ("gen_ai.tool.name", "up__echo"), ("mcp.protocol.version", "2025-11-25"), ("network.transport", "tcp"), ("error.type", null));
        await SeesAsync(sink, "mcp.server.operation.duration", ("mcp.method.name", "tools/call"), ("gen_ai.tool.name", null), ("mcp.protocol.version", "2026-07-28"), ("error.type", "-32602"));
        await SeesAsync(sink, "mcp.client.operation.duration", ("gen_ai.tool.name", "cut"), ("error.type", "tool_error"), ("rpc.response.status_code", null));
        await SeesAsync(sink, "mcp.server.operation.duration", ("gen_ai.tool.name", "cut"), ("error.type", "tool_error"));
        await SeesAsync(sink, "mcp.server.operation.duration", ("mcp.method.name", "initialize"));
        await SeesAsync(sink, "mcp.server.session.duration", ("mcp.protocol.version", "2025-11-25"));
        await SeesAsync(sink, "mcp.client.session.duration", ("mcp.protocol.version", "2025-11-25"), ("mcp.gateway.upstream", "up"));
        foreach (var pool in new[] { "wait_time", "create_time", "use_time", "session.count", "session.max", "session.idle.min", "pending_requests" })
            await SeesAsync(sink, $"mcp.gateway.pool.{pool}", ("mcp.gateway.upstream", "up"));
        await SeesAsync(sink, "mcp.gateway.pool.lease.count", ("result", "warm"));
        await SeesAsync(sink, "mcp.gateway.pool.evictions", ("reason", "client_left"));
        await SeesAsync(sink, "mcp.gateway.breaker.state", ("mcp.gateway.upstream", "up"));
        await SeesAsync(sink, "mcp.gateway.calls", ("mcp.method.name", "tools/call"));
        await SeesAsync(sink, "mcp.gateway.calls.first_attempt", ("mcp.method.name", "tools/call"));
        sink.Metrics.Where(metric => metric.Scope == "McpGateway").SelectMany(metric => metric.Points).SelectMany(point => point.Values).ShouldNotContain(value => value.Contains(session, StringComparison.Ordinal));
    }

    [Fact]
    public async Task MethodThatAClientMadeUp_IsNoAttribute()
    {
        await using var sink = await OtlpSink.StartAsync();
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await StartAsync(sink, upstream.Url);
        await gateway.ReadyAsync("up");
        var session = await gateway.InitializeAsync("/mcp/up");

        await gateway.PostAsync("/mcp/up", """{"jsonrpc":"2.0","id":7,"method":"made/up-1"}""", ("Mcp-Session-Id", session));

        await SeesAsync(sink, "mcp.server.operation.duration", ("mcp.method.name", "_OTHER"));
        await SeesAsync(sink, "mcp.client.operation.duration", ("mcp.method.name", "_OTHER"));
    }

    [Fact]
    public async Task LostSession_IsCountedByItsShape_AndTheCallNotAsAFirstAttempt()
    {
        await using var sink = await OtlpSink.StartAsync();
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await StartAsync(sink, upstream.Url);
        await gateway.ReadyAsync("up");
        (await gateway.ModernCallAsync("/mcp/up", "echo", """{"text":"1"}""")).Text.ShouldBe("1");
        upstream.DropSessions();

        (await gateway.ModernCallAsync("/mcp/up", "echo", """{"text":"2"}""")).Text.ShouldBe("2");

        await SeesAsync(sink, "mcp.gateway.classifier.count", ("shape", "404 in a session"), ("outcome", "repeated"), ("mcp.gateway.upstream", "up"));
        await SeesAsync(sink, "mcp.gateway.call.failures", ("error.type", "session_lost"), ("visible", "0"));
        await SeesAsync(sink, "mcp.client.operation.duration", ("error.type", "session_lost"));
        var calls = (await gateway.ReportAsync("up"))["calls"]!;
        calls.ToJsonString().ShouldBe("""{"total":2,"first_attempt":1,"first_attempt_ratio":0.5}""");
    }

    [Fact]
    public async Task FailedHandshake_IsCountedByItsKind()
    {
        await using var sink = await OtlpSink.StartAsync();
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        upstream.Misbehave = (context, _) =>
        {
            context.Response.StatusCode = 401;
            return Task.FromResult(true);
        };
        await using var gateway = await StartAsync(sink, upstream.Url);

        await SeesAsync(sink, "mcp.gateway.init.failures", ("error.type", "unauthorized"), ("mcp.gateway.upstream", "up"));
        (await gateway.ReportAsync("up"))["calls"]!.ToJsonString().ShouldBe("""{"total":0,"first_attempt":0}""");
    }

    private static Task<GatewayProcess> StartAsync(OtlpSink sink, string url) => GatewayProcess.StartAsync(
        new TemporaryDirectory(),
        ownsDirectory: true,
        new Dictionary<string, string?>
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = sink.HttpEndpoint,
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
            ["OTEL_METRIC_EXPORT_INTERVAL"] = "200",
        },
        GatewayProcess.Entry("up", url));

    private static async Task<bool> SayAsync(HttpContext context, JsonNode message, string answer)
    {
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync($$"""{"jsonrpc":"2.0","id":{{message["id"]!.ToJsonString()}},{{answer}}}""");
        return true;
    }

    /// <summary>Waits for a point of the metric with these attributes; null for one it must not have.</summary>
    private static async Task SeesAsync(OtlpSink sink, string metric, params (string Name, string? Value)[] attributes) => await Eventually.SeesAsync(
        () => new Seen([.. sink.Metrics.Where(sent => sent.Scope == "McpGateway" && sent.Name == metric).SelectMany(sent => sent.Points)]),
        seen => seen.Points.Exists(point => attributes.All(attribute => point.GetValueOrDefault(attribute.Name) == attribute.Value)),
        condition: $"{metric} with {string.Join(", ", attributes)}");

    private sealed record Seen(List<IReadOnlyDictionary<string, string>> Points)
    {
        public override string ToString() => string.Join(Environment.NewLine, Points.Select(point => string.Join(' ', point)).Distinct());
    }
}
