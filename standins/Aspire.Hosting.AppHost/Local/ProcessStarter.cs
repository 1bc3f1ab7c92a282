using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;

namespace Aspire.Hosting.Local;

/// <summary>Starts every child from one thread that lives as long as this process.</summary>
// Linux sends the parent-death signal when the THREAD that forked the child ends, so a pool thread must never start one.
internal sealed class ProcessStarter
{
    private static readonly BlockingCollection<Action> Work = [];

    // What the startup hook does for a .NET child, for any other program: a session of its own, and SIGTERM when this process dies.
    private static readonly string[] GuardCommand = OperatingSystem.IsLinux() && OnPath("setsid") is { } session && OnPath("setpriv") is { } deathSignal
        ? [session, deathSignal, "--pdeathsig", "TERM"]
        : [];

    static ProcessStarter() => new Thread(Loop) { IsBackground = true, Name = "process starter" }.Start();

    /// <exception cref="System.ComponentModel.Win32Exception">The program cannot be started.</exception>
    internal async Task<ChildProcess> StartAsync(
        LocalRun.Command command, IReadOnlyDictionary<string, string> environment, Action<string> onLine, CancellationToken cancellationToken)
    {
        var input = command.Input is { } read ? await read(cancellationToken).ConfigureAwait(false) : "";
        var started = new TaskCompletionSource<ChildProcess>(TaskCreationOptions.RunContinuationsAsynchronously);
        // Not cancellable from here on: a process that may have started must reach its owner.
        Work.Add(() =>
        {
            try
            {
                started.SetResult(new ChildProcess(Process.Start(Describe(command, environment))!, input, onLine));
            }
            catch (Exception exception) when (exception is System.ComponentModel.Win32Exception or IOException or InvalidOperationException)
            {
                started.SetException(exception);
            }
        }, CancellationToken.None);
        return await started.Task.ConfigureAwait(false);
    }

    internal static string? OnPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Select(directory => Path.Combine(directory, program)).FirstOrDefault(File.Exists);

    private static void Loop()
    {
        foreach (var start in Work.GetConsumingEnumerable())
            start();
    }

    private static ProcessStartInfo Describe(LocalRun.Command command, IReadOnlyDictionary<string, string> environment)
    {
        string[] words = [.. command.IsDotnet ? [] : GuardCommand, command.FileName, .. command.Arguments];
        var info = new ProcessStartInfo(words[0], words[1..])
        {
            WorkingDirectory = command.WorkingDirectory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (var (name, value) in environment)
            info.Environment[name] = value;
        if (command.IsDotnet)
            Guard(info.Environment);
        return info;
    }

    private static void Guard(IDictionary<string, string?> environment)
    {
        var hook = typeof(StartupHook).Assembly.Location;
        environment[StartupHook.HooksVariable] = environment.TryGetValue(StartupHook.HooksVariable, out var others) && !string.IsNullOrEmpty(others)
            ? $"{hook}{Path.PathSeparator}{others}"
            : hook;
        environment[StartupHook.ParentVariable] = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
    }
}
