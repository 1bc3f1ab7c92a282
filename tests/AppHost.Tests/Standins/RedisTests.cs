using System.Net.Sockets;
using System.Text;
using Aspire.Hosting.Local;

namespace AppHost.Tests.Standins;

public sealed class RedisTests : IDisposable
{
    private readonly TemporaryDirectory _storage = new();

    public void Dispose() => _storage.Dispose();

    [Fact]
    public async Task Server_RunsOnLoopback_BehindAPassword_AndKeepsItsData()
    {
        Requires.RedisServer();
        var sample = new SampleApplication($"--Storage:Directory={_storage.FullPath}", "--ConnectionStrings:cache=");
        var redis = sample.Builder.AddRedis("cache").WithPersistence();
        await using var application = await sample.StartAsync();
        await SampleApplication.HealthyAsync(application, "cache");

        var connection = (await application.GetConnectionStringAsync("cache", TestContext.Current.CancellationToken))!;

        connection.ShouldStartWith("127.0.0.1:");
        var port = redis.Resource.PrimaryEndpoint.Port;
        (await AskAsync(port, "PING")).ShouldStartWith("-NOAUTH");
        (await AskAsync(port, $"AUTH {connection.Split("password=")[1]}")).ShouldBe("+OK");
        Directory.Exists(_storage.PathOf("cache", "appendonlydir")).ShouldBeTrue();
        sample.Log.ShouldNotContain(line => line.Contains(connection.Split("password=")[1], StringComparison.Ordinal));
    }

    [Fact]
    public void MachineWithoutServer_LeavesTheResourceUnused() =>
        RedisServer.Choose(new RedisResource("cache"), _storage.FullPath, _ => null)
            .ShouldBe(new LocalRun.Unused($"no redis-server on PATH; SQLite in {_storage.FullPath}"));

    [Fact]
    public void GivenConnectionString_ComesFirst_AndItsPasswordIsNotShown() =>
        RedisServer.Choose(new RedisResource("cache") { GivenConnectionString = "redis.test:6379,password=p" }, _storage.FullPath, _ => "/usr/bin/redis-server")
            .ShouldBe(new LocalRun.External("given: redis.test:6379"));

    [Fact]
    public async Task UnusedResource_IsNeitherInjected_NorWaitedFor()
    {
        var sample = new SampleApplication();
        var unused = sample.Builder.AddResource(new RedisResource("cache")).WithAnnotation(new LocalRunAnnotation(() => new LocalRun.Unused("none here")));
        sample.Add("service").WithReference(unused).WaitFor(unused);
        await using var application = await sample.StartAsync();

        await SampleApplication.HealthyAsync(application, "service");

        using var client = application.CreateHttpClient("service");
        (await client.GetStringAsync("/environment", TestContext.Current.CancellationToken)).ShouldNotContain("ConnectionStrings__cache");
        application.ResourceNotifications.TryGetCurrentState("cache", out var state).ShouldBeTrue();
        state.Snapshot.State!.Text.ShouldBe("NotUsed");
    }

    private static async Task<string?> AskAsync(int port, string command)
    {
        using var connection = new TcpClient("127.0.0.1", port);
        await using var stream = connection.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"{command}\r\n"), TestContext.Current.CancellationToken);
        using var reader = new StreamReader(stream);
        return await reader.ReadLineAsync(TestContext.Current.CancellationToken);
    }
}
