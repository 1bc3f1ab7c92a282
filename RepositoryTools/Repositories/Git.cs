using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace RepositoryTools.Repositories;

/// <summary>Asks the git command line. Whatever goes wrong there, the answer is just null.</summary>
internal static class Git
{
    private static readonly TimeSpan _timeLimit = TimeSpan.FromSeconds(10);

    // A repository's own settings must not start programs, and asking must not write.
    private static readonly string[] _safeSettings = ["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=false"];

    /// <summary>What git prints when it exits with 0; null without git, outside a work tree, on an error or after 10 s.</summary>
    internal static async Task<string?> AskAsync(
        string folder, TimeProvider clock, IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(_timeLimit, clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        using var process = new Process { StartInfo = Start(folder, arguments) };
        try
        {
            process.Start();
        }
        catch (Win32Exception)
        {
            return null;
        }

        try
        {
            process.StandardInput.Close();
            var output = process.StandardOutput.ReadToEndAsync(both.Token);
            var errors = process.StandardError.ReadToEndAsync(both.Token);
            await Task.WhenAll(output, errors);
            await process.WaitForExitAsync(both.Token);
            return process.ExitCode == 0 ? await output : null;
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            cancellationToken.ThrowIfCancellationRequested();
            return null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static ProcessStartInfo Start(string folder, IReadOnlyList<string> arguments)
    {
        var start = new ProcessStartInfo("git", [.. _safeSettings, .. arguments])
        {
            WorkingDirectory = folder,
            // stdin is the MCP stream: no child may read it.
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
        };
        foreach (var name in start.Environment.Keys.Where(k => k.StartsWith("GIT_", StringComparison.Ordinal)).ToList())
        {
            start.Environment.Remove(name);
        }

        start.Environment["GIT_OPTIONAL_LOCKS"] = "0";
        start.Environment["GIT_TERMINAL_PROMPT"] = "0";
        return start;
    }
}
