using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Trace;
using Shouldly;
using Testing;
using Xunit;

namespace ServiceDefaults.Tests;

/// <summary>Spans and metrics are seen process-wide: beside other tests these would record what those do.</summary>
[CollectionDefinition(nameof(TelemetryTests), DisableParallelization = true)]
[Collection(nameof(TelemetryTests))]
public sealed class TelemetryTests
{
    [Theory]
    [InlineData("http/protobuf")]
    [InlineData("grpc")]
    public async Task Export_SendsTracesMetricsAndLogs_OverBothProtocols(string protocol)
    {
        await using var sink = await OtlpSink.StartAsync();
        using var source = new ActivitySource("Agents.Probe");
        using var meter = new Meter("McpGateway.Probe");
        var counter = meter.CreateCounter<long>("probe.calls");
        await using (var service = await StartAsync(sink, protocol, new() { ["OTEL_EXPORTER_OTLP_HEADERS"] = "x-key=k1" }, app =>
            app.MapGet("/work/{id}", (int id, ILoggerFactory loggers) =>
            {
                using var span = source.StartActivity("probe step");
                counter.Add(1, KeyValuePair.Create<string, object?>("probe.id", id));
                loggers.CreateLogger("Agents.Probe").LogInformation("worked on {Id}", id);
            })))
        {
            await service.Client.GetAsync("/work/7");
            await service.App.StopAsync();
        }

        var step = sink.Spans.Single(span => span.Name == "probe step");
        step.Service.ShouldBe("probe-service");
        step.Scope.ShouldBe("Agents.Probe");
        var request = sink.Spans.Single(span => span.SpanId == step.ParentId);
        request.Name.ShouldBe("GET /work/{id}");
        request.TraceId.ShouldBe(step.TraceId);
        var metric = sink.Metrics.First(metric => metric.Name == "probe.calls");
        metric.Service.ShouldBe("probe-service");
        metric.Points.ShouldContain(point => point["probe.id"] == "7");
        sink.Metrics.ShouldContain(metric => metric.Name == "http.server.request.duration");
        sink.Metrics.ShouldContain(metric => metric.Scope == "System.Runtime");
        var log = sink.Logs.Single(log => log.Body == "worked on 7");
        (log.Service, log.Scope, log.TraceId).ShouldBe(("probe-service", "Agents.Probe", step.TraceId));
        sink.LastHeaders["x-key"].ToString().ShouldBe("k1");
    }

    [Fact]
    public async Task RequestSpan_CarriesRouteStatusAndError()
    {
        await using var sink = await OtlpSink.StartAsync();
        int port;
        await using (var service = await StartAsync(sink, map: app =>
        {
            app.MapGet("/items/{id}", (int id) => Results.StatusCode(id));
            app.MapGet("/crash", string () => throw new InvalidOperationException("out of order"));
        }))
        {
            port = service.Client.BaseAddress!.Port;
            await service.Client.GetAsync("/items/204");
            await service.Client.GetAsync("/items/404");
            await service.Client.GetAsync("/items/503");
            await service.Client.GetAsync("/crash");
            await service.Client.GetAsync("/nowhere");
            await service.App.StopAsync();
        }

        var spans = Requests(sink, port).ToDictionary(span => span.Attributes["url.path"]);
        var found = spans["/items/204"];
        found.Name.ShouldBe("GET /items/{id}");
        found.Status.ShouldBe(0);
        found.Attributes["http.route"].ShouldBe("/items/{id}");
        found.Attributes["http.request.method"].ShouldBe("GET");
        found.Attributes["http.response.status_code"].ShouldBe("204");
        found.Attributes["network.protocol.version"].ShouldBe("1.1");
        spans["/items/404"].Status.ShouldBe(0);
        spans["/items/503"].Status.ShouldBe(2);
        spans["/items/503"].Attributes["error.type"].ShouldBe("503");
        spans["/crash"].Name.ShouldBe("GET /crash");
        spans["/crash"].Attributes["http.response.status_code"].ShouldBe("500");
        spans["/crash"].Attributes["error.type"].ShouldBe("System.InvalidOperationException");
        spans["/nowhere"].Name.ShouldBe("GET");
    }

    [Fact]
    public async Task Export_LeavesOutProbes()
    {
        await using var sink = await OtlpSink.StartAsync();
        int port;
        await using (var service = await StartAsync(sink))
        {
            port = service.Client.BaseAddress!.Port;
            await service.Client.GetAsync("/health");
            await service.Client.GetAsync("/alive");
            await service.Client.GetAsync("/other");
            await service.App.StopAsync();
        }

        Requests(sink, port).Select(span => span.Attributes["url.path"]).ShouldBe(["/other"]);
        sink.Metrics.Where(metric => metric.Name == "http.server.request.duration").SelectMany(metric => metric.Points)
            .ShouldNotContain(point => point.GetValueOrDefault("http.route") == "/health");
    }

    [Theory]
    [InlineData("http/protobuf")]
    [InlineData("grpc")]
    public async Task Export_LeavesOutItsOwnRequests(string protocol)
    {
        await using var sink = await OtlpSink.StartAsync();
        var collector = new Uri(protocol == "grpc" ? sink.GrpcEndpoint : sink.HttpEndpoint);
        await using (var service = await StartAsync(sink, protocol, new() { ["OTEL_METRIC_EXPORT_INTERVAL"] = "100" }))
        {
            await service.Client.GetAsync("/other");
            // A second round would count the requests of the first.
            await Eventually.HoldsAsync(() => sink.Metrics.Count(metric => metric.Name == "http.client.request.duration") >= 3);
            await service.App.StopAsync();
        }

        var ports = sink.Metrics.Where(metric => metric.Scope == "System.Net.Http").SelectMany(metric => metric.Points)
            .Select(point => point.GetValueOrDefault("server.port")).ToList();
        ports.ShouldNotBeEmpty();
        ports.ShouldNotContain($"{collector.Port}");
        sink.Spans.ShouldNotContain(span => span.Scope == "System.Net.Http" && span.Attributes.GetValueOrDefault("server.port") == $"{collector.Port}");
    }

    [Fact]
    public async Task Export_FollowsTheVariablesOfOneSignal()
    {
        await using var sink = await OtlpSink.StartAsync();
        await using var other = await OtlpSink.StartAsync();
        await using (var service = await StartAsync(sink, "grpc", new()
        {
            ["OTEL_METRICS_EXPORTER"] = "none",
            ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] = "http/protobuf",
            ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = $"{other.HttpEndpoint}/v1/traces",
        }))
        {
            await service.Client.GetAsync("/other");
            await service.App.StopAsync();
        }

        other.Spans.ShouldNotBeEmpty();
        sink.Spans.ShouldBeEmpty();
        sink.Logs.ShouldNotBeEmpty();
        sink.Metrics.ShouldBeEmpty();
    }

    [Fact]
    public async Task Service_RunsWithoutProviders_WhenNoEndpointIsSet()
    {
        await using var service = await TestService.StartAsync();

        service.App.Services.GetService<TracerProvider>().ShouldBeNull();
    }

    [Fact]
    public async Task Service_StopsInTime_WhenTheCollectorIsGone()
    {
        var sink = await OtlpSink.StartAsync();
        await using var service = await StartAsync(sink);
        await service.Client.GetAsync("/other");
        await sink.DisposeAsync();

        await service.App.StopAsync().WaitAsync(TimeSpan.FromSeconds(20), TimeProvider.System);
    }

    [Fact]
    public async Task Start_NamesTheVariable_WhenItCannotBeRead()
    {
        await using var app = TestService.Build(new()
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = "collector:4317",
            ["OTEL_EXPORTER_OTLP_LOGS_PROTOCOL"] = "http/json",
            ["OTEL_EXPORTER_OTLP_TIMEOUT"] = "10s",
        });
        using var errors = new StringWriter();

        (await app.RunServiceAsync(errors)).ShouldBe(1);

        errors.ToString().ShouldContain("OTEL_EXPORTER_OTLP_ENDPOINT is 'collector:4317': write an address such as http://localhost:4317.");
        errors.ToString().ShouldContain("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL is 'http/json': write grpc or http/protobuf.");
        errors.ToString().ShouldContain("OTEL_EXPORTER_OTLP_TIMEOUT is '10s'");
    }

    /// <summary>The server spans of one service: spans are seen process-wide, and the sink and other tests run in this process too.</summary>
    private static IEnumerable<OtlpSink.Span> Requests(OtlpSink sink, int port) =>
        sink.Spans.Where(span => span.Scope == "Microsoft.AspNetCore" && span.Attributes.GetValueOrDefault("server.port") == $"{port}");

    private static Task<TestService> StartAsync(
        OtlpSink sink, string protocol = "http/protobuf", Dictionary<string, string?>? settings = null, Action<WebApplication>? map = null)
    {
        settings ??= [];
        settings["OTEL_SERVICE_NAME"] = "probe-service";
        settings["OTEL_EXPORTER_OTLP_ENDPOINT"] = protocol == "grpc" ? sink.GrpcEndpoint : sink.HttpEndpoint;
        settings["OTEL_EXPORTER_OTLP_PROTOCOL"] = protocol;
        return TestService.StartAsync(settings, map: map);
    }
}
