using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;

namespace McpGateway.Upstreams.Links;

/// <summary>
/// Starts child processes, each as the leader of a session and process group of its own (<c>setsid</c>), so that it can be ended with whatever it
/// starts; and so that the kernel kills it when the gateway dies, however it dies (<c>setpriv</c>). Both are of util-linux; where they are missing, a
/// child notices by the end of its input. The kernel's signal comes when the THREAD that started the child ends, and threads of the pool do: so one
/// thread that never ends starts them all, and it owns the <see cref="GroupWatch"/>.
/// </summary>
internal static class ChildStarter
{
    private const UnixFileMode Executable = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    private static readonly BlockingCollection<Action> s_work = [];
    private static readonly Lazy<string[]> s_guard = new(FindGuard);
    private static readonly Lazy<GroupWatch?> s_watch = new(StartWatch);

    static ChildStarter() => new Thread(Run) { IsBackground = true, Name = "child starter" }.Start();

    /// <summary>Starts the process. Not cancelled half-way: one that has started must reach its owner.</summary>
    /// <exception cref="Win32Exception">The command cannot be started.</exception>
    public static Task<ChildProcess> StartAsync(ProcessStartInfo start, TimeProvider time, ILogger logger)
    {
        var started = new TaskCompletionSource<ChildProcess>(TaskCreationOptions.RunContinuationsAsynchronously);
        s_work.Add(() =>
        {
            try
            {
                started.SetResult(Start(start, time, logger));
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
        foreach (var work in s_work.GetConsumingEnumerable()) work();
    }

    private static ChildProcess Start(ProcessStartInfo start, TimeProvider time, ILogger logger)
    {
        var leadsGroup = TryGuard(start);
        var child = new ChildProcess(Process.Start(start) ?? throw new Win32Exception("It did not start."), leadsGroup, time, logger);
        if (!leadsGroup || s_watch.Value is not { } watch) return child;
        var group = child.Id;
        watch.Add(group);
        child.Ended += () => s_work.Add(() => watch.Remove(group));
        return child;
    }

    /// <summary>Puts the guard before the command. One that cannot be found is started without, so that the error speaks of it and not of the guard.</summary>
    private static bool TryGuard(ProcessStartInfo start)
    {
        if (s_guard.Value is not [var guard, .. var options] || Find(start.FileName) is not { } command) return false;
        string[] arguments = [.. options, command, .. start.ArgumentList];
        start.FileName = guard;
        start.ArgumentList.Clear();
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        return true;
    }

    /// <summary>Without <c>setpriv</c>, or with one that cannot do it (BusyBox), at least the group. Empty where there is no <c>setsid</c> either.</summary>
    private static string[] FindGuard()
    {
        if (!OperatingSystem.IsLinux() || Find("setsid") is not { } setsid) return [];
        string[][] guards = [.. Find("setpriv") is { } setpriv ? new[] { new[] { setsid, setpriv, "--pdeathsig", "KILL", "--" } } : [], [setsid]];
        return guards.FirstOrDefault(Works) ?? [];
    }

    /// <summary>Tried once, as a guard that fails would stop every child.</summary>
    private static bool Works(string[] guard)
    {
        if (Find("true") is not { } nothing) return false;
        try
        {
            using var trial = Process.Start(new ProcessStartInfo(guard[0], [.. guard[1..], nothing]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            return trial.WaitForExit(TimeSpan.FromSeconds(5)) && trial.ExitCode == 0;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }

    private static GroupWatch? StartWatch() => Find("sh") is { } shell ? GroupWatch.TryStart(s_guard.Value[0], shell) : null;

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
