using McpGateway.Endpoints.Replicas;
using McpGateway.Sessions.Ledger;
using Microsoft.Extensions.Logging.Abstractions;

namespace McpGateway.Ledger.Tests;

/// <summary>Inboxes between gateways on a real server: what is posted comes out once, and nothing waits for the dead.</summary>
public sealed class ReplicaInboxTests : IAsyncLifetime
{
    private static readonly LedgerTimes s_times = new(Owner: TimeSpan.FromMinutes(1), Entry: TimeSpan.FromMinutes(5));

    private readonly RedisServer _server = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => _server.StartAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Message_ComesOutOnce_HoweverOftenItIsPosted()
    {
        var (sender, receiver) = (await OpenAsync(), await OpenAsync());
        var id = RedisReplicas.NewId();

        var posted = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => sender.PostAsync(receiver.Name, Message("one"), id)));
        var claimed = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => receiver.ClaimAsync(Cancellation)));
        var again = await sender.PostAsync(receiver.Name, Message("one"), id);

        posted.ShouldAllBe(outcome => outcome == PostOutcome.Delivered);
        again.ShouldBe(PostOutcome.Delivered);
        claimed.SelectMany(messages => messages).ShouldHaveSingleItem().Session.ShouldBe("one");
        (await receiver.ClaimAsync(Cancellation)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Messages_ComeOutInOrder_EachOnce_WhileManyClaim()
    {
        var (sender, receiver) = (await OpenAsync(), await OpenAsync());
        for (var i = 0; i < 250; i++) (await sender.PostAsync(receiver.Name, Message($"{i:000}"))).ShouldBe(PostOutcome.Delivered);

        var claimed = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => receiver.ClaimAsync(Cancellation)));

        foreach (var messages in claimed) messages.Select(message => message.Session).ShouldBeInOrder();
        claimed.SelectMany(messages => messages).Select(message => message.Session).Order().ShouldBe(Enumerable.Range(0, 250).Select(i => $"{i:000}"));
    }

    [Fact]
    public async Task Post_IsRefused_ByADeadGatewayAndByOneThatDoesNotKeepUp()
    {
        var (sender, receiver) = (await OpenAsync(), await OpenAsync());

        (await sender.PostAsync("0123456789abcdef0123", Message("one"))).ShouldBe(PostOutcome.Dead);
        for (var i = 0; i < 1000; i++) (await sender.PostAsync(receiver.Name, Message("many"))).ShouldBe(PostOutcome.Delivered);
        (await sender.PostAsync(receiver.Name, Message("one too many"))).ShouldBe(PostOutcome.Unavailable);
    }

    [Fact]
    public async Task Post_WakesItsReceiver()
    {
        var (sender, receiver) = (await OpenAsync(), await OpenAsync());
        var woken = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await receiver.SubscribeAsync(() => woken.TrySetResult(), Cancellation);

        await sender.PostAsync(receiver.Name, Message("one"));

        await woken.Task.WaitAsync(Eventually.Patience, TimeProvider.System, Cancellation);
    }

    [Fact]
    public async Task Post_IsRefused_WhileRedisIsGone()
    {
        var (sender, receiver) = (await OpenAsync(), await OpenAsync());
        await _server.Process.StopAsync();

        (await sender.PostAsync(receiver.Name, Message("one"))).ShouldBe(PostOutcome.Unavailable);
    }

    private static ReplicaMessage Message(string session) => new(ReplicaMessageKind.End, session);

    /// <summary>A gateway that has said that it lives.</summary>
    private async Task<RedisReplicas> OpenAsync()
    {
        var redis = _server.Open();
        var ledger = new GatewayLedger(
            OwnerFile.WithoutProof(), new RedisSessionLedger(redis, s_times, TimeProvider.System), new RedisEraLedger(redis), new SealingKeys([new SealingKey("k", [.. new byte[SealingKey.Size]])]), s_times, TimeProvider.System, NullLogger<GatewayLedger>.Instance);
        await ledger.HeartbeatAsync(Cancellation);
        return new RedisReplicas(redis, ledger, TimeProvider.System);
    }
}
