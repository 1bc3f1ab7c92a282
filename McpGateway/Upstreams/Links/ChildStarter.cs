using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;

namespace McpGateway.Upstreams.Links;

/// <summary>
/// Starts child processes so that the kernel kills them when the gateway dies, however it dies. Linux alone can do that, with
/// <c>setpriv</c> of util-linux; elsewhere a child notices by the end of its input. The signal comes when the THREAD that
/// started the child ends, and threads of the pool do: so one thread that never ends starts them all.
/// </summary>
internal static class ChildStarter
{
    private const UnixFileMode Executable = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    private static readonly BlockingCollection<Action> s_starts = [];
    private static readonly Lazy<string[]> s_guard = new(FindGuard);

    static ChildStarter() => new Thread(Run) { IsBackground = true, Name = "child starter" }.Start();

    /// <summary>Starts the process. Not cancelled half-way: one that has started must reach its owner.</summary>
    /// <exception cref="Win32Exception">The command cannot be started.</exception>
    public static Task<Process> StartAsync(ProcessStartInfo start)
    {
        var started = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
        s_starts.Add(() =>
        {
            try
            {
                started.SetResult(Process.Start(Guard(start)) ?? throw new Win32Exception("It did not start."));
            }
            catch (Exception exception)
            {
                started.SetException(exception);
            }
        });
        return started.Task;
    }

    private static void Run()
    {
        foreach (var start in s_starts.GetConsumingEnumerable()) start();
    }

    /// <summary>Puts the guard before the command. One that cannot be found is started without, so that the error speaks of it and not of the guard.</summary>
    private static ProcessStartInfo Guard(ProcessStartInfo start)
    {
        if (s_guard.Value is not [var guard, .. var options] || Find(start.FileName) is not { } command) return start;
        string[] arguments = [.. options, command, .. start.ArgumentList];
        start.FileName = guard;
        start.ArgumentList.Clear();
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        return start;
    }

    /// <summary>Empty where there is no <c>setpriv</c>, or one that cannot do it (BusyBox): tried once, as a guard that fails would stop every child.</summary>
    private static string[] FindGuard()
    {
        if (!OperatingSystem.IsLinux() || Find("setpriv") is not { } guard || Find("true") is not { } nothing) return [];
        string[] words = [guard, "--pdeathsig", "KILL", "--"];
        try
        {
            using var trial = Process.Start(new ProcessStartInfo(guard, [.. words[1..], nothing]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            return trial.WaitForExit(TimeSpan.FromSeconds(5)) && trial.ExitCode == 0 ? words : [];
        }
        catch (Win32Exception)
        {
            return [];
        }
    }

    /// <summary>The file that .NET would start: beside the running program, in the current directory, on PATH.</summary>
    private static string? Find(string command) => Candidates(command).FirstOrDefault(IsExecutable);

    private static IEnumerable<string> Candidates(string command)
    {
        if (Path.IsPathRooted(command)) return [command];
        var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        return new[] { Path.GetDirectoryName(Environment.ProcessPath), Environment.CurrentDirectory }.Concat(path).OfType<string>().Select(directory => Path.Combine(directory, command));
    }

    private static bool IsExecutable(string file) => File.Exists(file) && (OperatingSystem.IsWindows() || (File.GetUnixFileMode(file) & Executable) != 0);
}
