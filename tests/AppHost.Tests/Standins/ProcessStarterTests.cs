using System.ComponentModel;
using Aspire.Hosting.Local;
using ChildProcess = Aspire.Hosting.Local.ChildProcess;

namespace AppHost.Tests.Standins;

public sealed class ProcessStarterTests
{
    private static readonly Dictionary<string, string> Variables = new() { ["ASPNETCORE_URLS"] = "http://127.0.0.1:0" };

    [Fact]
    public async Task Child_Survives_TheThreadThatAskedForIt()
    {
        var listening = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var asked = new TaskCompletionSource<ChildProcess>(TaskCreationOptions.RunContinuationsAsynchronously);
        var sample = RepositoryRoot.AssemblyOf("tests/SampleService");
        var command = new LocalRun.Command(DotnetMuxer.Path, [sample], Path.GetDirectoryName(sample)!) { IsDotnet = true };
        using var mayEnd = new SemaphoreSlim(0);
        var thread = new Thread(() =>
        {
            var start = new ProcessStarter().StartAsync(command, Variables, line => { if (line.Contains("Now listening", StringComparison.Ordinal)) listening.TrySetResult(); }, CancellationToken.None);
            start.ContinueWith(started => asked.SetFromTask(started), TaskScheduler.Default);
            mayEnd.Wait();
        });
        thread.Start();
        using var child = await asked.Task;
        await listening.Task.WaitAsync(Eventually.Patience, TimeProvider.System, TestContext.Current.CancellationToken);

        mayEnd.Release();
        thread.Join();

        // Had that thread been the parent, the child would have its SIGTERM now and end within a second.
        await Should.ThrowAsync<TimeoutException>(() => child.Exited.WaitAsync(TimeSpan.FromSeconds(2), TimeProvider.System));
        (await child.StopAsync(Task.Delay(Eventually.Patience, TimeProvider.System))).ShouldBeTrue();
    }

    [Fact]
    public async Task ProgramThatIsMissing_IsAnError_AndTheStarterGoesOn()
    {
        var starter = new ProcessStarter();
        var missing = new LocalRun.Command("/nowhere/at-all", [], "/") { IsDotnet = true };
        await Should.ThrowAsync<Win32Exception>(() => starter.StartAsync(missing, Variables, _ => { }, CancellationToken.None));

        var present = new LocalRun.Command(DotnetMuxer.Path, ["--version"], "/") { IsDotnet = true };
        using var child = await starter.StartAsync(present, Variables, _ => { }, CancellationToken.None);
        (await child.Exited.WaitAsync(Eventually.Patience, TimeProvider.System)).ShouldBe(0);
    }
}
