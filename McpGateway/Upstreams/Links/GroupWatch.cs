using System.ComponentModel;
using System.Diagnostics;

namespace McpGateway.Upstreams.Links;

/// <summary>
/// Kills the process groups of the children when the gateway is killed. The kernel does it for a child (<see cref="ChildStarter"/>) and not for what
/// that child has started; so a shell in a session of its own is told of each group through a pipe, and acts when the pipe ends.
/// Owned by the thread that starts children, which alone writes to it.
/// </summary>
internal sealed class GroupWatch
{
    private const string Script = """
        trap '' HUP INT TERM
        all=' '
        while read -r sign group; do
          case $sign in
            +) all="$all$group " ;;
            -) all="${all%% $group *} ${all#* $group }" ;;
          esac
        done
        for group in $all; do kill -s KILL -- "-$group"; done
        """;

    private readonly Process _shell;

    private GroupWatch(Process shell) => _shell = shell;

    /// <summary>Starts the shell; null where that is not possible.</summary>
    /// <param name="setsid">The program that makes a session.</param>
    /// <param name="shell">A POSIX shell.</param>
    public static GroupWatch? TryStart(string setsid, string shell)
    {
        // No stream of the gateway's is handed on: whoever waits for the end of one would wait for the watch too.
        var start = new ProcessStartInfo(setsid, [shell, "-c", Script]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment.Clear();
        try
        {
            return Process.Start(start) is { } process ? new GroupWatch(process) : null;
        }
        catch (Win32Exception)
        {
            return null;
        }
    }

    public void Add(int group) => Tell($"+ {group}");

    /// <summary>Takes off a group that <see cref="Add"/> was told of: its number may be another's from now on.</summary>
    public void Remove(int group) => Tell($"- {group}");

    private void Tell(string line)
    {
        try
        {
            _shell.StandardInput.WriteLine(line);
            _shell.StandardInput.Flush();
        }
        catch (IOException)
        {
            // Somebody has killed the watch. The children themselves are the kernel's to kill as before.
        }
    }
}
