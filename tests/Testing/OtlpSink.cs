using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Testing;

/// <summary>A collector for tests: takes OTLP over http/protobuf and over grpc, and keeps what it got.</summary>
public sealed class OtlpSink : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<Span> _spans = new();
    private readonly ConcurrentQueue<Metric> _metrics = new();
    private readonly ConcurrentQueue<Log> _logs = new();

    private OtlpSink(WebApplication app) => _app = app;

    /// <summary>A received span; ids are hexadecimal, a status of 2 is an error.</summary>
    public sealed record Span(
        string Service, string Scope, string Name, string TraceId, string SpanId, string ParentId, int Status,
        IReadOnlyDictionary<string, string> Attributes)
    {
        /// <summary>The ids of the spans it is linked to.</summary>
        public IReadOnlyList<string> Links { get; init; } = [];
    }

    /// <summary>A received metric with the attributes of each of its points.</summary>
    public sealed record Metric(string Service, string Scope, string Name, IReadOnlyList<IReadOnlyDictionary<string, string>> Points);

    /// <summary>A received log record.</summary>
    public sealed record Log(string Service, string Scope, string Body, string TraceId);

    /// <summary>The value of <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> for http/protobuf.</summary>
    public string HttpEndpoint => _app.Urls.First();

    /// <summary>The value of <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> for grpc.</summary>
    public string GrpcEndpoint => _app.Urls.Last();

    /// <summary>The spans received so far.</summary>
    public IReadOnlyList<Span> Spans => [.. _spans];

    /// <summary>The metrics received so far, an entry for each time one was sent.</summary>
    public IReadOnlyList<Metric> Metrics => [.. _metrics];

    /// <summary>The log records received so far.</summary>
    public IReadOnlyList<Log> Logs => [.. _logs];

    /// <summary>The headers of the last request.</summary>
    public IHeaderDictionary LastHeaders { get; private set; } = new HeaderDictionary();

    /// <summary>Starts a collector on two free ports: without TLS, HTTP/2 needs one of its own.</summary>
    public static async Task<OtlpSink> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(System.Net.IPAddress.Loopback, 0, listener => listener.Protocols = HttpProtocols.Http1);
            kestrel.Listen(System.Net.IPAddress.Loopback, 0, listener => listener.Protocols = HttpProtocols.Http2);
        });
        var app = builder.Build();
        var sink = new OtlpSink(app);
        app.MapPost("/v1/{signal}", (string signal, HttpContext context) => sink.ReceiveHttpAsync(signal, context));
        app.MapPost("/opentelemetry.proto.collector.{signal}.v1.{service}/Export",
            (string signal, HttpContext context) => sink.ReceiveGrpcAsync(signal, context));
        await app.StartAsync();
        return sink;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task ReceiveHttpAsync(string signal, HttpContext context)
    {
        Receive(signal, context, await ReadAsync(context));
        context.Response.ContentType = "application/x-protobuf";
    }

    private async Task ReceiveGrpcAsync(string signal, HttpContext context)
    {
        // A gRPC message: a flag (compressed or not), the length in four bytes, the message.
        const int prefix = 5;
        Receive(signal, context, (await ReadAsync(context)).AsMemory(prefix));
        context.Response.ContentType = "application/grpc";
        await context.Response.Body.WriteAsync(new byte[prefix]);
        context.Response.AppendTrailer("grpc-status", "0");
    }

    private static async Task<byte[]> ReadAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        return body.ToArray();
    }

    // Field numbers: opentelemetry-proto, {trace,metrics,logs}.proto and resource.proto, version 1.
    private void Receive(string signal, HttpContext context, ReadOnlyMemory<byte> message)
    {
        // A copy: Kestrel takes the original back after the request.
        LastHeaders = new HeaderDictionary(context.Request.Headers.ToDictionary());
        foreach (var resource in new ProtobufMessage(message).Messages(1))
        {
            var service = resource.Messages(1).SelectMany(r => Attributes(r, 1)).FirstOrDefault(a => a.Key == "service.name").Value ?? "";
            foreach (var scope in resource.Messages(2))
            {
                var name = scope.Messages(1).FirstOrDefault()?.Text(1) ?? "";
                foreach (var item in scope.Messages(2)) Keep(signal, service, name, item);
            }
        }
    }

    private void Keep(string signal, string service, string scope, ProtobufMessage item)
    {
        switch (signal)
        {
            case "traces" or "trace":
                var status = (int)(item.Messages(15).FirstOrDefault()?.Number(3) ?? 0);
                _spans.Enqueue(new Span(service, scope, item.Text(5), item.Hex(1), item.Hex(2), item.Hex(4), status, Attributes(item, 9)) { Links = [.. item.Messages(13).Select(link => link.Hex(2))] });
                break;
            case "metrics":
                _metrics.Enqueue(new Metric(service, scope, item.Text(1), Points(item)));
                break;
            case "logs":
                _logs.Enqueue(new Log(service, scope, item.Messages(5).FirstOrDefault()?.Text(1) ?? "", item.Hex(9)));
                break;
        }
    }

    /// <summary>Of gauges and sums (attributes in field 7) and of histograms (in field 9).</summary>
    private static List<IReadOnlyDictionary<string, string>> Points(ProtobufMessage metric) =>
    [
        .. metric.Messages(5).Concat(metric.Messages(7)).SelectMany(data => data.Messages(1)).Select(point => Attributes(point, 7)),
        .. metric.Messages(9).SelectMany(data => data.Messages(1)).Select(point => Attributes(point, 9)),
    ];

    private static Dictionary<string, string> Attributes(ProtobufMessage owner, int field) =>
        owner.Messages(field).ToDictionary(attribute => attribute.Text(1), attribute => Value(attribute.Messages(2).FirstOrDefault()));

    private static string Value(ProtobufMessage? value) => value switch
    {
        null => "",
        _ when value.Text(1) is { Length: > 0 } text => text,
        _ => value.Number(3).ToString(CultureInfo.InvariantCulture),
    };
}
