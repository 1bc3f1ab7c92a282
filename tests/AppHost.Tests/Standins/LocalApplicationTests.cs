using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace AppHost.Tests.Standins;

/// <summary>Real child processes, started, crashed and stopped by the local runner.</summary>
public sealed class LocalApplicationTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Dependent_Starts_OnlyWhenItsDependencyIsHealthy()
    {
        var ready = _directory.PathOf("ready");
        var sample = new SampleApplication();
        var first = sample.Add("first").WithEnvironment("SAMPLE_READY_FILE", ready);
        sample.Add("second").WaitFor(first);
        await using var application = await sample.StartAsync();

        await application.ResourceNotifications.WaitForResourceAsync("first", e => e.Snapshot.HealthStatus == HealthStatus.Unhealthy, TestContext.Current.CancellationToken);
        application.ResourceNotifications.TryGetCurrentState("second", out var waiting).ShouldBeTrue();
        waiting.Snapshot.State!.Text.ShouldBe(KnownResourceStates.Waiting);
        waiting.Snapshot.Detail.ShouldBe("for first");

        await File.WriteAllTextAsync(ready, "", TestContext.Current.CancellationToken);
        await SampleApplication.HealthyAsync(application, "second");
    }

    [Fact]
    public async Task CrashedProcess_IsStartedAgain_AndItsEndIsTold()
    {
        var sample = new SampleApplication();
        sample.Add("service");
        await using var application = await sample.StartAsync();
        await SampleApplication.HealthyAsync(application, "service");
        var before = await SampleApplication.IdAsync(application, "service");

        await CrashAsync(application, "service", 134);

        await application.ResourceNotifications.WaitForResourceAsync("service", KnownResourceStates.Exited, TestContext.Current.CancellationToken);
        await SampleApplication.HealthyAsync(application, "service");
        (await SampleApplication.IdAsync(application, "service")).ShouldNotBe(before);
        sample.Log.ShouldContain(line => line.StartsWith("service ended (exit code 134) after", StringComparison.Ordinal) && line.EndsWith("restart 1 in 0.1 s", StringComparison.Ordinal));
    }

    [Fact]
    public async Task ProcessThatNeverGetsHealthy_FailsToStart_WithItsLastLines()
    {
        var sample = new SampleApplication();
        var broken = sample.Add("broken").WithEnvironment("SAMPLE_EXIT_CODE", "3");
        sample.Add("dependent").WaitFor(broken);
        await using var application = await sample.StartAsync();

        var failure = await Should.ThrowAsync<DistributedApplicationException>(() => SampleApplication.HealthyAsync(application, "broken"));

        failure.Message.ShouldContain("exit code 3");
        failure.Message.ShouldContain("sample: the database is missing");
        sample.Log.ShouldContain(line => line.StartsWith("broken failed to start 3 times in a row", StringComparison.Ordinal));
        application.ResourceNotifications.TryGetCurrentState("dependent", out var dependent).ShouldBeTrue();
        dependent.Snapshot.State!.Text.ShouldBe(KnownResourceStates.Waiting);
    }

    [Fact]
    public async Task Stop_EndsEveryProcess_DependentsFirst()
    {
        var sample = new SampleApplication();
        var first = sample.Add("first");
        // Takes its whole time to end: were both asked at once, the first would be gone before it.
        sample.Add("second").WaitFor(first).WithEnvironment("SAMPLE_IGNORES_SIGTERM", "true");
        await using var application = await sample.StartAsync();
        await SampleApplication.HealthyAsync(application, "second");
        int[] ids = [await SampleApplication.IdAsync(application, "first"), await SampleApplication.IdAsync(application, "second")];
        var order = new List<string>();
        using var watching = new CancellationTokenSource();
        var watch = WatchEndsAsync(application, order, watching.Token);

        await application.StopAsync(TestContext.Current.CancellationToken);

        ids.ShouldAllBe(id => !ProcessIds.IsAlive(id));
        await watch.WaitAsync(Eventually.Patience, TimeProvider.System, TestContext.Current.CancellationToken);
        order.ShouldBe(["second", "first"]);
    }

    [Fact]
    public async Task Dispose_EndsEveryProcess_WhenNobodyStoppedThem()
    {
        var sample = new SampleApplication();
        sample.Add("service");
        var application = await sample.StartAsync();
        await SampleApplication.HealthyAsync(application, "service");
        var id = await SampleApplication.IdAsync(application, "service");

        await application.DisposeAsync();

        ProcessIds.IsAlive(id).ShouldBeFalse();
    }

    [Fact]
    public async Task ProcessThatIgnoresSigterm_IsKilled_AfterTheDeadline()
    {
        var sample = new SampleApplication();
        sample.Add("deaf").WithEnvironment("SAMPLE_IGNORES_SIGTERM", "true");
        await using var application = await sample.StartAsync();
        await SampleApplication.HealthyAsync(application, "deaf");
        var id = await SampleApplication.IdAsync(application, "deaf");

        await application.StopAsync(TestContext.Current.CancellationToken);

        ProcessIds.IsAlive(id).ShouldBeFalse();
        sample.Log.ShouldContain("deaf did not end after SIGTERM and was killed");
    }

    [Fact]
    public async Task Replicas_HaveAPortEach_AndDiscoveryListsAll()
    {
        var sample = new SampleApplication();
        var pool = sample.Add("pool").WithReplicas(2);
        sample.Add("client").WithReference(pool).WaitFor(pool);
        await using var application = await sample.StartAsync();
        await SampleApplication.HealthyAsync(application, "client");

        var environment = await EnvironmentAsync(application, "client");

        string[] urls = [environment["services__pool__http__0"], environment["services__pool__http__1"]];
        urls.Distinct().Count().ShouldBe(2);
        using var client = new HttpClient();
        var ids = await Task.WhenAll(urls.Select(url => client.GetStringAsync(new Uri($"{url}/id"), TestContext.Current.CancellationToken)));
        ids.Distinct().Count().ShouldBe(2);
        environment["POOL_HTTP"].ShouldBe(urls[0]);
    }

    [Fact]
    public async Task Child_LeadsItsOwnSession_AndHandsNoGuardToItsOwnChildren()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Reads /proc.");
        var sample = new SampleApplication();
        sample.Add("service");
        await using var application = await sample.StartAsync();
        await SampleApplication.HealthyAsync(application, "service");
        var id = await SampleApplication.IdAsync(application, "service");

        var environment = await EnvironmentAsync(application, "service");

        ProcessIds.SessionOf(id).ShouldBe(id);
        environment.ShouldNotContainKey("DOTNET_STARTUP_HOOKS");
        environment.ShouldNotContainKey("ASPIRE_LOCAL_PARENT_PID");
        environment["SAMPLE_PROFILE"].ShouldBe("read");
    }

    [Fact]
    public async Task StopWhileAProcessKeepsCrashing_Ends()
    {
        var sample = new SampleApplication("--LocalRun:RestartDelay=60", "--LocalRun:MaxRestartDelay=60");
        sample.Add("broken").WithEnvironment("SAMPLE_EXIT_CODE", "3");
        await using var application = await sample.StartAsync();
        await application.ResourceNotifications.WaitForResourceAsync("broken", KnownResourceStates.Exited, TestContext.Current.CancellationToken).WaitAsync(Eventually.Patience, TimeProvider.System);

        await application.StopAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(10), TimeProvider.System);

        application.ResourceNotifications.TryGetCurrentState("broken", out var state).ShouldBeTrue();
        state.Snapshot.State!.Text.ShouldBe(KnownResourceStates.Finished);
    }

    private static async Task CrashAsync(DistributedApplication application, string name, int code)
    {
        using var client = application.CreateHttpClient(name);
        // The answer may or may not get out before the end of the process.
        await client.PostAsync(new Uri($"/crash?code={code}", UriKind.Relative), null, TestContext.Current.CancellationToken).ContinueWith(_ => { }, TaskScheduler.Default);
    }

    private static async Task<Dictionary<string, string>> EnvironmentAsync(DistributedApplication application, string name)
    {
        using var client = application.CreateHttpClient(name);
        return System.Text.Json.JsonSerializer.Deserialize<Dictionary<string, string>>(await client.GetStringAsync("/environment", TestContext.Current.CancellationToken))!;
    }

    private static async Task WatchEndsAsync(DistributedApplication application, List<string> order, CancellationToken cancellationToken)
    {
        await foreach (var change in application.ResourceNotifications.WatchAsync(cancellationToken))
        {
            if (change.Snapshot.State?.Text != KnownResourceStates.Finished)
                continue;
            order.Add(change.ResourceId);
            if (order.Count == 2)
                return;
        }
    }
}
