using System.Text.RegularExpressions;

namespace Testing;

/// <summary>A service of the solution in a process of its own, on a free port, as it runs in production.</summary>
public sealed partial class ServiceProcess : IAsyncDisposable
{
    private readonly ChildProcess _process;

    private ServiceProcess(ChildProcess process, Uri baseAddress)
    {
        _process = process;
        BaseAddress = baseAddress;
        Client = new HttpClient { BaseAddress = baseAddress, Timeout = TimeSpan.FromMinutes(2) };
    }

    /// <summary>Where it listens.</summary>
    public Uri BaseAddress { get; }

    /// <summary>A plain client for <see cref="BaseAddress"/>.</summary>
    public HttpClient Client { get; }

    /// <summary>The process id.</summary>
    public int Id => _process.Id;

    /// <summary>The lines it wrote so far.</summary>
    public IReadOnlyList<string> Output => _process.Output;

    /// <summary>Starts a project of the solution and waits until it listens.</summary>
    /// <param name="project">The folder of the project from the root of the solution, such as <c>McpGateway</c>.</param>
    /// <param name="arguments">Arguments after <c>--urls</c>.</param>
    /// <param name="environment">Variables to set, or with null to remove.</param>
    public static async Task<ServiceProcess> StartAsync(
        string project,
        IEnumerable<string>? arguments = null,
        IReadOnlyDictionary<string, string?>? environment = null)
    {
        var process = Launch(project, "http://127.0.0.1:0", arguments, environment);
        try
        {
            var line = await process.WaitForLineAsync(ListeningOn().IsMatch, TimeSpan.FromSeconds(60));
            return new ServiceProcess(process, new Uri(ListeningOn().Match(line).Groups[1].Value));
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts a project on an address without waiting for anything: for services that are expected not to start.</summary>
    public static ChildProcess Launch(
        string project,
        string url,
        IEnumerable<string>? arguments = null,
        IReadOnlyDictionary<string, string?>? environment = null)
    {
        var assembly = RepositoryRoot.AssemblyOf(project);
        return ChildProcess.Start(
            "dotnet",
            [assembly, "--urls", url, .. arguments ?? []],
            Environment(environment),
            workingDirectory: RepositoryRoot.PathOf(project));
    }

    /// <summary>The first line, past or to come, that contains a text.</summary>
    public Task<string> WaitForLineAsync(string text, TimeSpan? within = null) =>
        _process.WaitForLineAsync(line => line.Contains(text, StringComparison.Ordinal), within);

    /// <summary>Stops it as an orchestrator does (SIGTERM) and waits for the end.</summary>
    /// <returns>The exit code.</returns>
    public Task<int> StopAsync(TimeSpan? within = null)
    {
        _process.Terminate();
        return _process.WaitForExitAsync(within);
    }

    /// <summary>Asks it to stop (SIGTERM) without waiting.</summary>
    public void Terminate() => _process.Terminate();

    /// <summary>Waits for its end.</summary>
    /// <returns>The exit code.</returns>
    public Task<int> WaitForExitAsync(TimeSpan? within = null) => _process.WaitForExitAsync(within);

    /// <summary>Ends it at once (SIGKILL), as a crash does.</summary>
    public void Kill() => _process.Kill();

    /// <summary>Stops it where it is (SIGSTOP).</summary>
    public void Pause() => _process.Pause();

    /// <summary>Lets it go on after <see cref="Pause"/>.</summary>
    public void Resume() => _process.Resume();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _process.DisposeAsync();
    }

    /// <summary>What a developer's shell sets for services must not change what is tested.</summary>
    private static Dictionary<string, string?> Environment(IReadOnlyDictionary<string, string?>? own)
    {
        var inherited = System.Environment.GetEnvironmentVariables().Keys.Cast<string>()
            .Where(name => name.StartsWith("OTEL_", StringComparison.Ordinal) || name.StartsWith("ASPNETCORE_", StringComparison.Ordinal));
        var environment = inherited.ToDictionary(name => name, string? (_) => null);
        environment["Logging__LogLevel__Microsoft.Hosting.Lifetime"] = "Information";
        foreach (var (name, value) in own ?? new Dictionary<string, string?>()) environment[name] = value;
        return environment;
    }

    [GeneratedRegex(@"Now listening on: (http://\S+)")]
    private static partial Regex ListeningOn();
}
