using McpGateway.Sessions.Ledger;
using McpGateway.Upstreams;

namespace McpGateway.Ledger.Tests;

public sealed class RedisSessionLedgerTests : SessionLedgerContract
{
    private readonly RedisServer _server = new();

    public override ValueTask InitializeAsync() => _server.StartAsync();

    public override ValueTask DisposeAsync() => _server.DisposeAsync();

    private protected override ISessionLedger Open(LedgerTimes times) => new RedisSessionLedger(_server.Open(), times, TimeProvider.System);

    [Fact]
    public async Task EveryKey_HasATimeToLive_AndThePrefix()
    {
        var cancellation = TestContext.Current.CancellationToken;
        var store = _server.Open();
        var times = new LedgerTimes(TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(10));
        var ledger = new RedisSessionLedger(store, times, TimeProvider.System);
        var entry = new LedgerEntry { Id = "a", Upstream = "up", Fingerprint = "p", Owner = "one", Sealed = "s", OpenedAt = DateTimeOffset.UnixEpoch };
        await ledger.RecordAsync(entry, cancellation);
        await ledger.RewriteAsync(entry with { ParkedUntil = DateTimeOffset.UnixEpoch }, cancellation);
        await ledger.ClaimAsync(entry, "two", cancellation);
        await ledger.RenewAsync("two", [entry with { Owner = "two", Epoch = 2 }], cancellation);
        await new RedisEraLedger(store).SaveAsync("up", "p", new EraMemory(Protocol.McpEra.Legacy, UpstreamTransport.Http, DateTimeOffset.UnixEpoch), cancellation);

        var keys = (string[])(await store.EvaluateAsync("return redis.call('KEYS', '*')", [], [], cancellation))!;

        keys.Length.ShouldBe(5, string.Join(' ', keys));
        foreach (var key in keys)
        {
            key.ShouldStartWith("{mcp-gateway}:");
            ((long)await store.EvaluateAsync("return redis.call('PTTL', KEYS[1])", [key], [], cancellation)).ShouldBePositive(key);
        }
    }
}

public sealed class RedisEraLedgerTests : EraLedgerContract
{
    private readonly RedisServer _server = new();

    public override ValueTask InitializeAsync() => _server.StartAsync();

    public override ValueTask DisposeAsync() => _server.DisposeAsync();

    private protected override IEraLedger Open() => new RedisEraLedger(_server.Open());
}

public sealed class RedisStoreTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Run_SaysUnavailable_AndWorksOnceTheServerComes()
    {
        await using var redis = await RedisProcess.StartAsync();
        await redis.StopAsync();
        await using var store = new RedisStore(redis.ConnectionString, TimeProvider.System);
        await Should.ThrowAsync<LedgerUnavailableException>(() => SetAsync(store));

        await redis.RunAsync();

        await Eventually.PassesAsync(() => SetAsync(store));
    }

    [Fact]
    public async Task Run_WorksAgain_AfterTheServerWasGone()
    {
        await using var redis = await RedisProcess.StartAsync();
        await using var store = new RedisStore(redis.ConnectionString, TimeProvider.System);
        await SetAsync(store);
        await redis.StopAsync();
        await Eventually.PassesAsync(() => Should.ThrowAsync<LedgerUnavailableException>(() => SetAsync(store)));

        await redis.RunAsync();

        await Eventually.PassesAsync(() => SetAsync(store));
    }

    [Theory]
    [InlineData("host:6379,password=hunter2,nonsense=1")]
    [InlineData("host:6379,connectTimeout=hunter2")]
    public void ConnectionString_ThatCannotBeRead_IsRefusedWithoutBeingShown(string text)
    {
        var exception = Should.Throw<GatewayConfigurationException>(() => new RedisStore(text, TimeProvider.System));
        exception.Message.ShouldContain("ConnectionStrings:cache cannot be read");
        exception.ToString().ShouldNotContain("hunter2");
    }

    private static async Task SetAsync(RedisStore store) => await store.EvaluateAsync("return redis.call('SET', KEYS[1], '1', 'PX', 1000)", ["{mcp-gateway}:test"], [], Cancellation);
}

/// <summary>A Redis server and the connections of one test.</summary>
internal sealed class RedisServer : IAsyncDisposable
{
    private readonly List<RedisStore> _open = [];
    private RedisProcess? _process;

    public RedisProcess Process => _process!;

    public async ValueTask StartAsync() => _process = await RedisProcess.StartAsync();

    public RedisStore Open()
    {
        var store = new RedisStore(_process!.ConnectionString, TimeProvider.System);
        _open.Add(store);
        return store;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var store in _open) await store.DisposeAsync();
        if (_process is { } process) await process.DisposeAsync();
    }
}
