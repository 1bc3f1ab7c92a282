using FaultyUpstream.Control;
using FaultyUpstream.Server;
using FaultyUpstream.Transports;

namespace FaultyUpstream;

/// <summary>A running server over HTTP, or over a pair of streams, with its control. Disposing it resets its connections and ends it at once.</summary>
public sealed class FaultyUpstreamHost : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly FaultyServer _server;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Stdio? _stdio;
    private readonly UpstreamRecord.Writer? _record;
    private int _disposed;

    private FaultyUpstreamHost(FaultyUpstreamOptions options, Stream? input, Stream? output)
    {
        IReadOnlyList<UpstreamTransport> transports = input is null ? [UpstreamTransport.StreamableHttp, UpstreamTransport.Sse] : [UpstreamTransport.Stdio];
        _record = options.RecordDirectory is { } directory ? new UpstreamRecord(directory).Open() : null;
        _server = new FaultyServer(options, transports, _record);
        if (input is not null) _stdio = new Stdio(_server, input, output!);
        Control = new UpstreamControl(_server, () => _stdio?.End(0));
        foreach (var fault in options.Faults) Control.Set(fault);

        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(options.Url);
        _app = builder.Build();
        new ControlEndpoint(Control).Map(_app);
        if (input is not null) return;
        new StreamableHttp(_server).Map(_app);
        new LegacySse(_server).Map(_app);
    }

    /// <summary>What the test tells and asks it.</summary>
    public UpstreamControl Control { get; }

    /// <summary>Where it listens.</summary>
    public Uri BaseAddress { get; private set; } = null!;

    /// <summary>Where another process reaches <see cref="Control"/>, with a <see cref="ControlClient"/>.</summary>
    public Uri ControlAddress => new(BaseAddress, "/control");

    /// <summary>The Streamable HTTP endpoint.</summary>
    public Uri Mcp => new(BaseAddress, "/mcp");

    /// <summary>The HTTP+SSE endpoint.</summary>
    public Uri Sse => new(BaseAddress, "/sse");

    /// <summary>The end of the conversation on streams, with the exit code; never over HTTP.</summary>
    public Task<int> Completion { get; private set; } = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously).Task;

    /// <summary>Starts a server at <c>/mcp</c> and <c>/sse</c>.</summary>
    /// <exception cref="ControlException">One of the faults cannot be set.</exception>
    /// <exception cref="IOException">The address is taken.</exception>
    public static Task<FaultyUpstreamHost> StartAsync(FaultyUpstreamOptions? options = null, CancellationToken cancellationToken = default) =>
        StartAsync(new FaultyUpstreamHost(options ?? new FaultyUpstreamOptions(), null, null), cancellationToken);

    /// <summary>Starts a server on a pair of streams, as standard input and output are; its control listens on <see cref="FaultyUpstreamOptions.Url"/>.</summary>
    /// <inheritdoc cref="StartAsync(FaultyUpstreamOptions, CancellationToken)"/>
    public static Task<FaultyUpstreamHost> StartStdioAsync(Stream input, Stream output, FaultyUpstreamOptions? options = null, CancellationToken cancellationToken = default) =>
        StartAsync(new FaultyUpstreamHost(options ?? new FaultyUpstreamOptions(), input, output), cancellationToken);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 1) return;
        await _stopping.CancelAsync();
        foreach (var session in _server.Sessions.All) session.End(hard: true);
        // A token that is cancelled already: requests that hang are cut off instead of waited for.
        await _app.StopAsync(new CancellationToken(canceled: true));
        await _app.DisposeAsync();
        _stopping.Dispose();
        _record?.Dispose();
    }

    /// <summary>Serves until it is told to stop (SIGTERM, Ctrl+C) or its streams end.</summary>
    /// <returns>The exit code of the process.</returns>
    internal async Task<int> WaitAsync()
    {
        var stopped = _app.WaitForShutdownAsync();
        return await Task.WhenAny(stopped, Completion) == Completion ? await Completion : 0;
    }

    private static async Task<FaultyUpstreamHost> StartAsync(FaultyUpstreamHost host, CancellationToken cancellationToken)
    {
        await host._app.StartAsync(cancellationToken);
        host.BaseAddress = new Uri(host._app.Urls.First());
        host._record?.Announce(host.ControlAddress);
        if (host._stdio is not null) host.Completion = host._stdio.RunAsync(host._stopping.Token);
        return host;
    }
}
