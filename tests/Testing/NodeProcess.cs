namespace Testing;

/// <summary>
/// A Node.js script of <c>tests/npm</c> in a process of its own. By agreement a script that serves writes one line to standard output when
/// it is ready (its address, say), and stops on SIGTERM.
/// </summary>
public sealed class NodeProcess : IAsyncDisposable
{
    private NodeProcess(ChildProcess process, string readyLine)
    {
        Process = process;
        ReadyLine = readyLine;
    }

    /// <summary>The process.</summary>
    public ChildProcess Process { get; }

    /// <summary>The line the script wrote when it was ready.</summary>
    public string ReadyLine { get; }

    /// <summary>Starts a script and waits for the line that says it is ready.</summary>
    /// <param name="script">A file of <c>tests/npm</c>, or an absolute path (see <see cref="NpmPeers.FileOf"/>).</param>
    /// <param name="arguments">Arguments of the script.</param>
    /// <param name="environment">Variables to set, or with null to remove.</param>
    /// <param name="isReady">Which line says so; by default the first.</param>
    public static async Task<NodeProcess> StartAsync(
        string script,
        IEnumerable<string>? arguments = null,
        IReadOnlyDictionary<string, string?>? environment = null,
        Func<string, bool>? isReady = null)
    {
        var process = Launch(script, arguments, environment);
        try
        {
            return new NodeProcess(process, await process.WaitForLineAsync(isReady ?? (_ => true), TimeSpan.FromSeconds(60)));
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs a script to its end.</summary>
    /// <returns>Its exit code and the lines it wrote.</returns>
    public static async Task<(int ExitCode, IReadOnlyList<string> Output)> RunAsync(
        string script,
        IEnumerable<string>? arguments = null,
        IReadOnlyDictionary<string, string?>? environment = null,
        TimeSpan? within = null)
    {
        await using var process = Launch(script, arguments, environment);
        var exitCode = await process.WaitForExitAsync(within ?? TimeSpan.FromSeconds(60));
        return (exitCode, process.Output);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Process.DisposeAsync();

    private static ChildProcess Launch(string script, IEnumerable<string>? arguments, IReadOnlyDictionary<string, string?>? environment)
    {
        var folder = NpmPeers.Require();
        return ChildProcess.Start(Requires.Node(), [Path.Combine(folder, script), .. arguments ?? []], environment, folder);
    }
}
