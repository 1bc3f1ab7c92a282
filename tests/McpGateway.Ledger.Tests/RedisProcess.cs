using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace McpGateway.Ledger.Tests;

/// <summary>A real Redis server of the test's own, without files, on a free port; it can be stopped and started again there.</summary>
internal sealed class RedisProcess : IAsyncDisposable
{
    private readonly string _program = Requires.RedisServer();
    private ChildProcess? _process;

    public int Port { get; } = FreePort();

    public string ConnectionString => $"127.0.0.1:{Port},connectTimeout=1000";

    public static async Task<RedisProcess> StartAsync()
    {
        var redis = new RedisProcess();
        await redis.RunAsync();
        return redis;
    }

    public async Task RunAsync()
    {
        _process = ChildProcess.Start(_program, ["--port", Port.ToString(CultureInfo.InvariantCulture), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        await _process.WaitForLineAsync(line => line.Contains("Ready to accept connections", StringComparison.Ordinal));
    }

    public async Task StopAsync()
    {
        if (_process is { } process) await process.DisposeAsync();
        _process = null;
    }

    public ValueTask DisposeAsync() => new(StopAsync());

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
