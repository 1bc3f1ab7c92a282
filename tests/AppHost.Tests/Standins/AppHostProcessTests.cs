using System.Diagnostics;

namespace AppHost.Tests.Standins;

/// <summary>The real app host with the real services, in processes of their own, on free ports.</summary>
public sealed class AppHostProcessTests : IDisposable
{
    private static readonly TimeSpan Start = TimeSpan.FromSeconds(90);
    private readonly TemporaryDirectory _storage = new();

    public void Dispose() => _storage.Dispose();

    [Fact]
    public async Task Sigterm_StopsEverything_WithExitCodeZero()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Reads /proc and sends SIGTERM.");
        await using var appHost = await StartAsync();
        var children = ProcessIds.ChildrenOf(appHost.Id);
        children.Count.ShouldBeGreaterThanOrEqualTo(3);

        appHost.Terminate();

        (await appHost.WaitForExitAsync(TimeSpan.FromSeconds(60))).ShouldBe(0, string.Join('\n', appHost.Output));
        children.ShouldAllBe(id => !ProcessIds.IsAlive(id));
        appHost.Output.ShouldContain(line => line.Contains("All resources have stopped", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Sigkill_LeavesNoOrphan()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Reads /proc.");
        await using var appHost = await StartAsync();
        var children = ProcessIds.ChildrenOf(appHost.Id);
        children.Count.ShouldBeGreaterThanOrEqualTo(3);

        using (var process = Process.GetProcessById(appHost.Id))
            process.Kill();

        try
        {
            await Eventually.HoldsAsync(() => !children.Any(ProcessIds.IsAlive), TimeSpan.FromSeconds(40));
        }
        finally
        {
            foreach (var orphan in children.Where(ProcessIds.IsAlive))
                Process.GetProcessById(orphan).Kill(entireProcessTree: true);
        }
    }

    [Fact]
    public async Task BadArguments_AreAllReported_AndNothingStarts()
    {
        await using var appHost = Launch("--repository", "noequals", "--repository", "a=/nowhere/at/all");

        (await appHost.WaitForExitAsync()).ShouldBe(1);
        appHost.Output.Count(line => line.StartsWith("error: ", StringComparison.Ordinal)).ShouldBe(2);
        appHost.Output.ShouldNotContain(line => line.Contains("Starting", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Help_PrintsTheUsage()
    {
        await using var appHost = Launch("--help");

        (await appHost.WaitForExitAsync()).ShouldBe(0);
        appHost.Output.ShouldContain(line => line.Contains("--repository <name>=<path>", StringComparison.Ordinal));
    }

    private async Task<ChildProcess> StartAsync()
    {
        var appHost = Launch("--DcpPublisher:RandomizePorts=true", $"--Storage:Directory={_storage.FullPath}");
        try
        {
            await appHost.WaitForLineAsync(line => line.Contains("Everything is up", StringComparison.Ordinal), Start);
            return appHost;
        }
        catch
        {
            await appHost.DisposeAsync();
            throw;
        }
    }

    private static ChildProcess Launch(params string[] args) =>
        ChildProcess.Start("dotnet", [typeof(Projects.AppHost).Assembly.Location, .. args], new Dictionary<string, string?> { ["DOTNET_ENVIRONMENT"] = "Development" });
}
