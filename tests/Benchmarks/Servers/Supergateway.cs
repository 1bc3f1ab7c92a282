using System.Globalization;

namespace Benchmarks.Servers;

/// <summary>npm <c>supergateway</c>, the peer most people put in front of a stdio server; stateful, so that it keeps its processes.</summary>
internal sealed class Supergateway : IAsyncDisposable
{
    private readonly ChildProcess _process;

    private Supergateway(ChildProcess process, Uri url) => (_process, Url) = (process, url);

    public Uri Url { get; }

    public int Id => _process.Id;

    /// <summary>Starts it in front of a command; null when node or the packages of <c>tests/npm</c> are missing.</summary>
    public static async Task<Supergateway?> StartAsync(string command, CancellationToken cancellationToken)
    {
        var script = RepositoryRoot.PathOf("tests", "npm", "node_modules", "supergateway", "dist", "index.js");
        if (!File.Exists(script) || Programs.Node() is not { } node) return null;
        var port = Ports.Free();
        var process = ChildProcess.Start(node,
            [script, "--stdio", command, "--outputTransport", "streamableHttp", "--stateful", "--port", port.ToString(CultureInfo.InvariantCulture), "--logLevel", "none"]);
        await Ports.WaitAsync(port, cancellationToken);
        return new Supergateway(process, new Uri($"http://127.0.0.1:{port.ToString(CultureInfo.InvariantCulture)}/mcp"));
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();
}
