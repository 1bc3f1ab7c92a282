namespace McpGateway.Tests.Wire;

/// <summary>A trace goes through a gateway, whether it records spans itself or not.</summary>
public sealed class TraceTests
{
    private const string Ours = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    private const string Other = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    [Theory]
    [InlineData(Ours, null, Ours)]
    [InlineData(Ours, Other, Other)]
    [InlineData("00-nonsense", null, null)]
    [InlineData(null, null, null)]
    public async Task TraceOfTheHeaders_ReachesTheUpstream_UnlessTheBodyNamesOne(string? header, string? body, string? passed)
    {
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        await using var gateway = await GatewayProcess.StartAsync(GatewayProcess.Entry("up", upstream.Url));
        await gateway.ReadyAsync("up");
        var session = await gateway.InitializeAsync("/mcp/up");
        var meta = body is null ? "" : $$""","_meta":{"traceparent":"{{body}}"}""";
        var headers = new List<(string, string)> { ("Mcp-Session-Id", session) };
        if (header is not null) headers.AddRange([("traceparent", header), ("tracestate", "vendor=1")]);

        await gateway.PostAsync("/mcp/up", $$$"""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"x"}{{{meta}}}}}""", [.. headers]);

        var arrived = upstream.Arrivals.Single(arrival => arrival.Method == "tools/call").Body!["params"]!["_meta"];
        var (parent, state) = (arrived?["traceparent"]?.GetValue<string>(), arrived?["tracestate"]?.GetValue<string>());
        parent.ShouldBe(passed);
        // The state goes with its own trace alone.
        state.ShouldBe(passed is not null && passed == header ? "vendor=1" : null);
    }

    [Theory]
    [InlineData(Other, Other)]
    [InlineData(null, Ours)]
    [InlineData("00-nonsense", Ours)]
    [InlineData("\\ud800", Ours)]
    public async Task SpanOfTheGateway_HasTheTraceOfTheBodyAsItsParent_AndTheRequestAsALink(string? body, string parent)
    {
        await using var sink = await OtlpSink.StartAsync();
        await using var upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        using var directory = new TemporaryDirectory();
        var settings = new Dictionary<string, string?> { ["OTEL_EXPORTER_OTLP_ENDPOINT"] = sink.HttpEndpoint, ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf", ["OTEL_BSP_SCHEDULE_DELAY"] = "100" };
        await using var gateway = await GatewayProcess.StartAsync(directory, ownsDirectory: false, settings, GatewayProcess.Entry("up", upstream.Url));
        await gateway.ReadyAsync("up");
        var session = await gateway.InitializeAsync("/mcp/up");
        var meta = body is null ? "" : $$""","_meta":{"other":{"traceparent":"{{Ours}}"},"traceparent":"{{body}}","tracestate":"vendor=2"}""";

        await gateway.PostAsync("/mcp/up", $$$"""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"x"}{{{meta}}}}}""", ("Mcp-Session-Id", session), ("traceparent", Ours));

        var spans = await Eventually.SeesAsync(() => sink.Spans, all => all.Any(span => span.Name == "tools/call echo") && all.Any(span => span.TraceId == Ours.Split('-')[1] && span.ParentId == Ours.Split('-')[2]));
        var call = spans.Single(span => span.Name == "tools/call echo");
        var request = spans.Single(span => span.TraceId == Ours.Split('-')[1] && span.ParentId == Ours.Split('-')[2]);
        call.TraceId.ShouldBe(parent.Split('-')[1]);
        call.ParentId.ShouldBe(parent == Other ? Other.Split('-')[2] : request.SpanId);
        call.Links.ShouldBe(parent == Other ? [request.SpanId] : []);
        var arrived = upstream.Arrivals.Single(arrival => arrival.Method == "tools/call").Body!["params"]!["_meta"]!;
        arrived["traceparent"]!.GetValue<string>().ShouldBe($"00-{call.TraceId}-{call.SpanId}-01");
        arrived["tracestate"]?.GetValue<string>().ShouldBe(parent == Other ? "vendor=2" : null);
    }
}
