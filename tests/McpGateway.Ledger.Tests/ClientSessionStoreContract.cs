using McpGateway.Endpoints;
using McpGateway.Endpoints.Portable;

namespace McpGateway.Ledger.Tests;

/// <summary>What every store of clients' sessions does, whatever it is kept in.</summary>
public abstract class ClientSessionStoreContract : IAsyncLifetime
{
    private static readonly ClientSessionRecord s_session =
        new("0123456789abcdef", "up", "anonymous", new ClientIntroduction("2025-06-18", """{"roots":{"listChanged":true}}""", """{"name":"c","version":"1"}"""));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public abstract ValueTask InitializeAsync();

    public abstract ValueTask DisposeAsync();

    private protected abstract IClientSessionStore Open();

    [Fact]
    public async Task Find_GivesTheSession_ThroughAnotherConnection()
    {
        var bare = new ClientSessionRecord("b", null, "anonymous", new ClientIntroduction("2025-11-25", "{}", null));
        await Open().SaveAsync(s_session, TimeSpan.FromMinutes(1), Cancellation);
        await Open().SaveAsync(bare, TimeSpan.FromMinutes(1), Cancellation);

        (await Open().FindAsync(s_session.Id, Cancellation)).ShouldBe(s_session);
        (await Open().FindAsync("b", Cancellation)).ShouldBe(bare);
        (await Open().FindAsync("c", Cancellation)).ShouldBeNull();
    }

    [Fact]
    public async Task Session_Goes_AfterItsTime()
    {
        var store = Open();
        await store.SaveAsync(s_session, TimeSpan.FromMilliseconds(50), Cancellation);

        await Eventually.SeesAsync<ClientSessionRecord?>(() => store.FindAsync(s_session.Id, Cancellation), found => found is null);
    }

    [Fact]
    public async Task Touch_KeepsWhatIsThere_AndBringsNothingBack()
    {
        var store = Open();
        await store.SaveAsync(s_session, TimeSpan.FromMinutes(1), Cancellation);
        await store.TouchAsync([s_session.Id, "gone"], TimeSpan.FromMilliseconds(50), Cancellation);

        await Eventually.SeesAsync<ClientSessionRecord?>(() => store.FindAsync(s_session.Id, Cancellation), found => found is null);
        await store.TouchAsync([s_session.Id], TimeSpan.FromMinutes(1), Cancellation);

        (await store.FindAsync(s_session.Id, Cancellation)).ShouldBeNull();
        (await store.FindAsync("gone", Cancellation)).ShouldBeNull();
    }

    [Fact]
    public async Task Remove_EndsIt_AlsoTwice()
    {
        var store = Open();
        await store.SaveAsync(s_session, TimeSpan.FromMinutes(1), Cancellation);

        await store.RemoveAsync(s_session.Id, Cancellation);
        await store.RemoveAsync(s_session.Id, Cancellation);

        (await store.FindAsync(s_session.Id, Cancellation)).ShouldBeNull();
    }
}

public sealed class SqliteClientSessionStoreTests : ClientSessionStoreContract
{
    private readonly SqliteStore _store = new();

    public override ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public override ValueTask DisposeAsync()
    {
        _store.Dispose();
        return ValueTask.CompletedTask;
    }

    private protected override IClientSessionStore Open() => new SqliteClientSessionStore(_store.Open(), TimeProvider.System);
}

public sealed class RedisClientSessionStoreTests : ClientSessionStoreContract
{
    private readonly RedisServer _server = new();

    public override ValueTask InitializeAsync() => _server.StartAsync();

    public override ValueTask DisposeAsync() => _server.DisposeAsync();

    private protected override IClientSessionStore Open() => new RedisClientSessionStore(_server.Open(), "replica");
}
