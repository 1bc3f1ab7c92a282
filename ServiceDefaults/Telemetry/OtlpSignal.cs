using System.Diagnostics.Metrics;
using System.Globalization;
using Microsoft.Extensions.Configuration;
using OpenTelemetry.Exporter;

namespace ServiceDefaults.Telemetry;

/// <summary>
/// How one signal is exported. The exporter reads the general <c>OTEL_EXPORTER_OTLP_*</c> variables itself; those of one signal
/// (<c>OTEL_EXPORTER_OTLP_TRACES_ENDPOINT</c> and so on) are read here.
/// </summary>
internal sealed class OtlpSignal
{
    private static readonly string[] Certificates = ["CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY"];
    private readonly IConfiguration _configuration;
    private readonly string _signal;

    private OtlpSignal(IConfiguration configuration, string signal) => (_configuration, _signal) = (configuration, signal);

    /// <summary>False with <c>OTEL_{signal}_EXPORTER=none</c>.</summary>
    public bool IsOn => !string.Equals(_configuration[$"OTEL_{_signal}_EXPORTER"], "none", StringComparison.OrdinalIgnoreCase);

    public static OtlpSignal Traces(IConfiguration configuration) => new(configuration, "TRACES");

    public static OtlpSignal Metrics(IConfiguration configuration) => new(configuration, "METRICS");

    public static OtlpSignal Logs(IConfiguration configuration) => new(configuration, "LOGS");

    /// <summary>Values that cannot be read are passed over here, where a throw would come in the middle of building the host: see <see cref="Errors"/>.</summary>
    public void Configure(OtlpExporterOptions options)
    {
        if (Own("PROTOCOL") is { } protocol) options.Protocol = Protocol(protocol);
        if (Own("ENDPOINT") is { } endpoint && IsHttpAddress(endpoint)) options.Endpoint = new Uri(endpoint);
        if (Own("HEADERS") is { } headers) options.Headers = headers;
        if (Own("TIMEOUT") is { } timeout && IsDuration(timeout, out var milliseconds)) options.TimeoutMilliseconds = milliseconds;
        if (Own("COMPRESSION") is { } compression)
            options.Compression = compression == "gzip" ? OtlpExportCompression.GZip : OtlpExportCompression.None;
        // With certificates the exporter's own client knows how to use them.
        if (!UsesCertificates()) options.HttpClientFactory = () => UncountedClient(options.TimeoutMilliseconds);
    }

    /// <summary>The sentences that say what is wrong with the variables of this signal; the exporter itself would only stay silent.</summary>
    public IEnumerable<string> Errors()
    {
        foreach (var name in new[] { TelemetryExtensions.EndpointVariable, Name("ENDPOINT") })
        {
            if (_configuration[name] is { Length: > 0 } value && !IsHttpAddress(value))
                yield return $"{name} is '{value}': write an address such as http://localhost:4317.";
        }

        foreach (var name in new[] { "OTEL_EXPORTER_OTLP_PROTOCOL", Name("PROTOCOL") })
        {
            if (_configuration[name] is { Length: > 0 } value && value is not ("grpc" or "http/protobuf"))
                yield return $"{name} is '{value}': write grpc or http/protobuf.";
        }

        foreach (var name in new[] { "OTEL_EXPORTER_OTLP_TIMEOUT", Name("TIMEOUT") })
        {
            if (_configuration[name] is { Length: > 0 } value && !IsDuration(value, out _))
                yield return $"{name} is '{value}': write a number of milliseconds above 0.";
        }
    }

    private string? Own(string setting) => _configuration[Name(setting)] is { Length: > 0 } value ? value : null;

    private string Name(string setting) => $"OTEL_EXPORTER_OTLP_{_signal}_{setting}";

    private bool UsesCertificates() =>
        Certificates.Any(file => !string.IsNullOrEmpty(_configuration[$"OTEL_EXPORTER_OTLP_{file}"]));

    private static OtlpExportProtocol Protocol(string name) => name == "grpc" ? OtlpExportProtocol.Grpc : OtlpExportProtocol.HttpProtobuf;

    private static bool IsDuration(string value, out int milliseconds) =>
        int.TryParse(value, CultureInfo.InvariantCulture, out milliseconds) && milliseconds > 0;

    private static bool IsHttpAddress(string value) =>
        Uri.TryCreate(value, UriKind.Absolute, out var uri) && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps);

    /// <summary>The export's own requests must not show in the HTTP metrics it exports: spans of theirs are suppressed, metrics are not.</summary>
    private static HttpClient UncountedClient(int timeoutMilliseconds) =>
        new(new SocketsHttpHandler { AllowAutoRedirect = false, MeterFactory = new UncountedMeters() })
        {
            Timeout = TimeSpan.FromMilliseconds(timeoutMilliseconds),
        };

    /// <summary>Meters under a name that nobody listens to.</summary>
    private sealed class UncountedMeters : IMeterFactory
    {
        public Meter Create(MeterOptions options) => new($"Export.{options.Name}");

        public void Dispose()
        {
        }
    }
}
