using System.Diagnostics;
using Shouldly;
using Testing;
using Xunit;

namespace ServiceDefaults.Tests.SharedTesting;

public sealed class ChildProcessTests
{
    [Fact]
    public async Task WaitForLine_FindsLinesPastAndToCome_OfBothStreams()
    {
        await using var process = Shell("echo first; echo second >&2; read line; echo \"got $line\"");

        await process.WaitForLineAsync(line => line == "second");
        (await process.WaitForLineAsync(line => line.StartsWith('f'))).ShouldBe("first");
        await process.Input.WriteLineAsync("news");
        (await process.WaitForLineAsync(line => line.StartsWith("got", StringComparison.Ordinal))).ShouldBe("got news");
        (await process.WaitForExitAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task WaitForLine_ShowsTheOutput_WhenTheProcessEndsWithoutTheLine()
    {
        await using var process = Shell("echo port is taken; exit 3");

        var error = await Should.ThrowAsync<InvalidOperationException>(() => process.WaitForLineAsync(line => line == "ready"));

        error.Message.ShouldContain("port is taken");
        (await process.WaitForExitAsync()).ShouldBe(3);
    }

    [Fact]
    public async Task WaitForLine_ShowsTheOutput_WhenTimeIsUp()
    {
        await using var process = Shell("echo still starting; read line");
        await process.WaitForLineAsync(line => line == "still starting");

        var error = await Should.ThrowAsync<TimeoutException>(() =>
            process.WaitForLineAsync(line => line == "ready", TimeSpan.FromMilliseconds(50)));

        error.Message.ShouldContain("still starting");
    }

    [Fact]
    public async Task Terminate_LetsTheProcessEndItself()
    {
        await using var process = Shell("trap 'echo stopping; exit 5' TERM; echo ready; while :; do sleep 0.05; done");
        await process.WaitForLineAsync(line => line == "ready");

        process.Terminate();

        (await process.WaitForExitAsync()).ShouldBe(5);
        process.Output.ShouldContain("stopping");
    }

    [Fact]
    public async Task Dispose_EndsTheProcessAndItsChildren()
    {
        var process = Shell("sleep 600 & echo $!; wait");
        var grandchild = int.Parse(await process.WaitForLineAsync(_ => true));

        await process.DisposeAsync();

        await Eventually.HoldsAsync(() => !IsRunning(grandchild));
    }

    [Fact]
    public async Task Environment_IsSetAndRemoved()
    {
        Environment.SetEnvironmentVariable("AGENTS_TEST_REMOVED", "x");
        await using var process = ChildProcess.Start(
            "/bin/sh", ["-c", "echo \"$AGENTS_TEST_SET-$AGENTS_TEST_REMOVED-\""],
            new Dictionary<string, string?> { ["AGENTS_TEST_SET"] = "set", ["AGENTS_TEST_REMOVED"] = null });

        (await process.WaitForLineAsync(_ => true)).ShouldBe("set--");
    }

    private static ChildProcess Shell(string script)
    {
        if (OperatingSystem.IsWindows()) Requires.Missing("Needs a POSIX shell.");
        return ChildProcess.Start("/bin/sh", ["-c", script]);
    }

    private static bool IsRunning(int id)
    {
        try
        {
            using var process = Process.GetProcessById(id);
            return !process.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
