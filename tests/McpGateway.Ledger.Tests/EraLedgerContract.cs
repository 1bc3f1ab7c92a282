using McpGateway.Protocol;
using McpGateway.Sessions.Ledger;
using McpGateway.Upstreams;

namespace McpGateway.Ledger.Tests;

/// <summary>What every era ledger does, whatever it is kept in.</summary>
public abstract class EraLedgerContract : IAsyncLifetime
{
    private static readonly DateTimeOffset s_now = new(2026, 8, 1, 12, 0, 0, TimeSpan.FromHours(2));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public abstract ValueTask InitializeAsync();

    public abstract ValueTask DisposeAsync();

    private protected abstract IEraLedger Open();

    [Fact]
    public async Task Find_Remembers_ThroughAnotherConnection()
    {
        var memory = new EraMemory(McpEra.Legacy, UpstreamTransport.Sse, s_now);
        await Open().SaveAsync("a", "print", new EraMemory(McpEra.Modern, UpstreamTransport.Http, s_now), Cancellation);
        await Open().SaveAsync("a", "print", memory, Cancellation);

        (await Open().FindAsync("a", "print", Cancellation)).ShouldBe(memory);
        (await Open().FindAsync("b", "print", Cancellation)).ShouldBeNull();
    }

    [Fact]
    public async Task Find_ForgetsWhatItKnew_WhenTheUpstreamIsConfiguredAnew()
    {
        var ledger = Open();
        await ledger.SaveAsync("a", "one", new EraMemory(McpEra.Modern, UpstreamTransport.Http, s_now), Cancellation);
        (await ledger.FindAsync("a", "two", Cancellation)).ShouldBeNull();

        await ledger.SaveAsync("a", "two", new EraMemory(McpEra.Legacy, UpstreamTransport.Http, s_now), Cancellation);
        (await ledger.FindAsync("a", "one", Cancellation)).ShouldBeNull();
    }

    [Fact]
    public async Task Forget_RemovesTheVerdict()
    {
        var ledger = Open();
        await ledger.SaveAsync("a", "one", new EraMemory(McpEra.Modern, UpstreamTransport.Http, s_now), Cancellation);

        await ledger.ForgetAsync("a", Cancellation);
        await ledger.ForgetAsync("a", Cancellation);

        (await ledger.FindAsync("a", "one", Cancellation)).ShouldBeNull();
    }
}
