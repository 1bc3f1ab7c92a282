using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Testing;

/// <summary>A real Redis server of the test's own on a free port of this machine; it can be ended and started again there.</summary>
public sealed class RedisProcess : IAsyncDisposable
{
    private readonly string _program = Requires.RedisServer();
    private readonly string[] _settings;
    private ChildProcess? _process;

    private RedisProcess(string[] settings) => _settings = settings;

    /// <summary>The port it listens on.</summary>
    public int Port { get; } = FreePort();

    /// <summary>For a client that shall notice soon that the server is gone.</summary>
    public string ConnectionString => $"127.0.0.1:{Port},connectTimeout=1000";

    /// <summary>Starts a server that keeps nothing.</summary>
    public static Task<RedisProcess> StartAsync() => StartAsync("--save", "", "--appendonly", "no");

    /// <summary>Starts a server that appends each write to a file before it acknowledges it, and reads that file when it is started again.</summary>
    public static Task<RedisProcess> StartDurableAsync(TemporaryDirectory directory) =>
        StartAsync("--save", "", "--appendonly", "yes", "--appendfsync", "always", "--dir", directory.FullPath);

    /// <summary>Starts a server with these arguments.</summary>
    public static async Task<RedisProcess> StartAsync(params string[] settings)
    {
        var redis = new RedisProcess(settings);
        await redis.RunAsync();
        return redis;
    }

    /// <summary>Starts it, for the first time or again.</summary>
    public async Task RunAsync()
    {
        var port = Port.ToString(CultureInfo.InvariantCulture);
        // With TLS there is no other port.
        string[] listen = _settings.Contains("--tls-cert-file") ? ["--tls-port", port, "--port", "0"] : ["--port", port];
        _process = ChildProcess.Start(_program, [.. listen, "--bind", "127.0.0.1", .. _settings]);
        await _process.WaitForLineAsync(line => line.Contains("Ready to accept connections", StringComparison.Ordinal));
    }

    /// <summary>Ends it at once (SIGKILL).</summary>
    public async Task StopAsync()
    {
        if (_process is { } process) await process.DisposeAsync();
        _process = null;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => new(StopAsync());

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
