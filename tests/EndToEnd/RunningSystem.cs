using Aspire.Hosting;
using Aspire.Hosting.Testing;
using Testing;

namespace EndToEnd;

/// <summary>The whole system, started as the AppHost starts it, on this solution and on a small repository of known faults.</summary>
public sealed class RunningSystem : IAsyncLifetime
{
    private static readonly TimeSpan s_startTimeout = TimeSpan.FromMinutes(2);

    private readonly TemporaryDirectory _storage = new();
    private DistributedApplication? _app;

    /// <summary>A repository whose faults the test wrote itself.</summary>
    public SampleRepository Sample { get; } = new();

    public HttpClient Api { get; private set; } = null!;

    public HttpClient Gateway { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        using var deadline = new CancellationTokenSource(s_startTimeout, TimeProvider.System);
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(
            ["--repository", $"self={RepositoryRoot.Find()}", "--repository", $"sample={Sample.Path}", $"--Storage:Directory={_storage.FullPath}"], deadline.Token);
        _app = await builder.BuildAsync(deadline.Token);
        await _app.StartAsync(deadline.Token);
        await _app.ResourceNotifications.WaitForResourceHealthyAsync("agents-api", deadline.Token);
        Api = _app.CreateHttpClient("agents-api");
        // A run takes longer than the client's usual patience when the machine is busy.
        Api.Timeout = TimeSpan.FromMinutes(4);
        Gateway = _app.CreateHttpClient("mcp-gateway");
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null) await _app.DisposeAsync();
        Sample.Dispose();
        _storage.Dispose();
    }
}
