using System.Net;
using FaultyUpstream.Tests.Wire;
using static FaultyUpstream.UpstreamTransport;

namespace FaultyUpstream.Tests;

/// <summary>What can go wrong before there is a session.</summary>
public sealed class HandshakeFaultTests
{
    [Theory]
    [InlineData(StreamableHttp)]
    [InlineData(Sse)]
    [InlineData(Stdio)]
    public async Task SlowHandshake_IsAnsweredAfterItsDelay(UpstreamTransport transport)
    {
        var clock = new ManualTimeProvider();
        var slow = new Fault { Kind = FaultKind.Slow, DelayMs = 20_000, Methods = ["initialize"] };
        await using var connection = await Connection.ConnectAsync(transport, new FaultyUpstreamOptions { Time = clock, Faults = [slow] });

        var asked = connection.AskAsync(Messages.Initialize());
        await Eventually.HoldsAsync(() => clock.PendingTimers > 0);
        clock.Advance(TimeSpan.FromMilliseconds(19_999));
        connection.Control.Read().Counters.Handshakes.ShouldBe(0);
        clock.Advance(TimeSpan.FromMilliseconds(1));

        (await asked).ShouldContain("protocolVersion");
    }

    [Fact]
    public async Task Handshakes_AreCountedAtOnce_AsTheyWait()
    {
        var clock = new ManualTimeProvider();
        await using var host = await FaultyUpstreamHost.StartAsync(new FaultyUpstreamOptions { Time = clock, Faults = [new Fault { Kind = FaultKind.Slow, DelayMs = 1000 }] }, TestContext.Current.CancellationToken);
        var connections = Enumerable.Range(0, 3).Select(_ => new HttpConnection(host, owns: false)).ToList();

        var asked = connections.Select(connection => connection.AskAsync(Messages.Initialize())).ToList();
        await Eventually.HoldsAsync(() => clock.PendingTimers == 3);
        clock.Advance(TimeSpan.FromSeconds(1));
        await Task.WhenAll(asked);

        var counters = host.Control.Read().Counters;
        counters.HandshakesAtOnce.ShouldBe(3);
        counters.Handshakes.ShouldBe(3);
        connections.Select(connection => connection.Session).Distinct().Count().ShouldBe(3);
    }

    [Fact]
    public async Task FirstConnections_GetA400_AndTheNextIsWell()
    {
        await using var connection = (HttpConnection)await Connection.ConnectAsync(StreamableHttp);
        connection.Control.Set(new Fault { Kind = FaultKind.BadRequest, Connections = 2 });

        for (var i = 0; i < 2; i++)
            (await connection.AskAsync(Messages.Initialize())).ShouldBe($"400 application/json {Messages.ErrorOf("null", -32000, "Bad Request: Server not initialized")}");

        await connection.ShakeHandsAsync();
        connection.Control.Read().SessionCounts.Opened.ShouldBe(1);
    }

    [Theory]
    [InlineData(StreamableHttp)]
    [InlineData(Sse)]
    public async Task RateLimit_BetweenInitializeAndList_SaysWhenToRetry(UpstreamTransport transport)
    {
        await using var connection = await Connection.OpenAsync(transport);
        connection.Control.Set(new Fault { Kind = FaultKind.RateLimited, Methods = ["tools/list"], RetryAfterS = 7, Times = 1 });

        using var limited = await PostAsync(connection, Messages.Request(1, "tools/list"));
        limited.StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        limited.Headers.RetryAfter!.Delta.ShouldBe(TimeSpan.FromSeconds(7));

        (await connection.AskAsync(Messages.Request(2, "tools/list"))).ShouldContain("\"name\":\"echo\"");
    }

    [Theory]
    [InlineData("initialize")]
    [InlineData("notifications/initialized")]
    public async Task Fault_HitsTheMethodItNames_NotificationsToo(string method)
    {
        await using var connection = (HttpConnection)await Connection.ConnectAsync(StreamableHttp);
        connection.Control.Set(new Fault { Kind = FaultKind.SessionUnavailable, Methods = [method], RetryAfterS = 3 });

        using var first = await connection.PostAsync(Messages.Initialize());
        first.StatusCode.ShouldBe(method == "initialize" ? HttpStatusCode.ServiceUnavailable : HttpStatusCode.OK);
        if (method == "initialize") return;
        connection.Session = first.Headers.GetValues("Mcp-Session-Id").Single();
        using var second = await connection.PostAsync(Messages.Initialized);
        second.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        second.Headers.RetryAfter!.Delta.ShouldBe(TimeSpan.FromSeconds(3));
    }

    [Fact]
    public async Task OneSession_RefusesASecond_UntilTheFirstIsDeleted()
    {
        await using var first = (HttpConnection)await Connection.OpenAsync(StreamableHttp, new FaultyUpstreamOptions { Faults = [new Fault { Kind = FaultKind.OneSession }] });
        await using var second = new HttpConnection(first.Host, owns: false);

        (await second.AskAsync(Messages.Initialize())).ShouldBe($"400 application/json {Messages.ErrorOf("null", -32600, "Invalid Request: Server already initialized")}");
        using (var deleted = await first.DeleteAsync()) deleted.StatusCode.ShouldBe(HttpStatusCode.OK);

        await second.ShakeHandsAsync();
    }

    [Fact]
    public async Task OneSession_OpensOne_OfManyAtOnce()
    {
        await using var host = await FaultyUpstreamHost.StartAsync(new FaultyUpstreamOptions { Faults = [new Fault { Kind = FaultKind.OneSession }] }, TestContext.Current.CancellationToken);
        var connections = Enumerable.Range(0, 20).Select(_ => new HttpConnection(host, owns: false)).ToList();

        var answers = await Task.WhenAll(connections.Select(connection => connection.AskAsync(Messages.Initialize())));

        answers.Count(answer => answer.StartsWith("200", StringComparison.Ordinal)).ShouldBe(1);
        host.Control.Read().SessionCounts.Opened.ShouldBe(1);
        host.Control.Read().Counters.FaultsFired[FaultKind.OneSession].ShouldBe(19);
    }

    [Fact]
    public async Task RequestBeforeInitialized_IsToldSo()
    {
        await using var connection = await Connection.ConnectAsync(StreamableHttp);
        await connection.AskAsync(Messages.Initialize());

        (await connection.AskAsync(Messages.Request(1, "tools/list"))).ShouldContain("Received request before initialization was complete");
        (await connection.AskAsync(Messages.Request(2, "ping"))).ShouldBe("""200 application/json {"jsonrpc":"2.0","id":2,"result":{}}""");
    }

    private static Task<HttpResponseMessage> PostAsync(Connection connection, string message) =>
        connection is HttpConnection http ? http.PostAsync(message) : ((SseConnection)connection).PostAsync(message);
}
