using FaultyUpstream.Tests.Wire;
using static FaultyUpstream.UpstreamTransport;

namespace FaultyUpstream.Tests;

/// <summary>Which requests a fault hits.</summary>
public sealed class FaultListTests
{
    [Fact]
    public async Task Times_AreHitExactly_ByManyAtOnce()
    {
        await using var connection = await OpenAsync();
        connection.Control.Set(new Fault { Kind = FaultKind.SessionNotFound, Times = 17 });

        var answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(id => connection.AskAsync(Messages.Request(id, "ping"))));

        answers.Count(answer => answer.StartsWith("404", StringComparison.Ordinal)).ShouldBe(17);
        connection.Control.Read().Faults.ShouldBeEmpty();
    }

    [Fact]
    public async Task ReplicaRoulette_Hits13Of20_AndInitializeNever()
    {
        await using var connection = await OpenAsync();
        connection.Control.Set(new Fault { Kind = FaultKind.ReplicaRoulette });

        for (var round = 0; round < 2; round++)
        {
            var hits = 0;
            for (var i = 0; i < 20; i++) hits += (await connection.AskAsync(Messages.Request(i, "ping"))).StartsWith("400", StringComparison.Ordinal) ? 1 : 0;
            hits.ShouldBe(13);
        }

        (await connection.AskAsync(Messages.Initialize())).ShouldStartWith("200");
    }

    [Fact]
    public async Task Share_OfOwnChoice_IsEvenlySpread()
    {
        await using var connection = await OpenAsync();
        connection.Control.Set(new Fault { Kind = FaultKind.RateLimited, Hits = 1, Of = 3 });

        var hits = new List<bool>();
        for (var i = 0; i < 6; i++) hits.Add((await connection.AskAsync(Messages.Request(i, "ping"))).StartsWith("429", StringComparison.Ordinal));

        hits.ShouldBe([true, false, false, true, false, false]);
    }

    [Fact]
    public async Task Session_IsTheOnlyOneHit()
    {
        await using var first = await OpenAsync();
        await using var second = new HttpConnection(first.Host, owns: false);
        await second.ShakeHandsAsync();
        first.Control.Set(new Fault { Kind = FaultKind.SessionNotFound, Session = first.Session });

        for (var i = 0; i < 3; i++)
        {
            (await first.AskAsync(Messages.Request(i, "ping"))).ShouldStartWith("404");
            (await second.AskAsync(Messages.Request(i, "ping"))).ShouldStartWith("200");
        }
    }

    [Fact]
    public async Task Tool_IsTheOnlyOneHit()
    {
        await using var connection = await OpenAsync();
        connection.Control.Set(new Fault { Kind = FaultKind.NotConnected, Tool = "read_counter" });

        (await connection.AskAsync(Messages.Call(1, "echo", """{"text":"x"}"""))).ShouldContain("\"result\"");
        (await connection.AskAsync(Messages.Call(2, "read_counter"))).ShouldContain("Not connected");
    }

    [Fact]
    public async Task FirstThatMatches_IsDone_AndThenTheNext()
    {
        await using var connection = await OpenAsync();
        connection.Control.Set(new Fault { Kind = FaultKind.SessionNotFound, Times = 1 });
        var second = connection.Control.Set(new Fault { Kind = FaultKind.SessionUnavailable });

        (await connection.AskAsync(Messages.Request(1, "ping"))).ShouldStartWith("404");
        (await connection.AskAsync(Messages.Request(2, "ping"))).ShouldStartWith("503");
        connection.Control.Remove(second).ShouldBeTrue();
        connection.Control.Remove(second).ShouldBeFalse();
        (await connection.AskAsync(Messages.Request(3, "ping"))).ShouldStartWith("200");
    }

    [Fact]
    public async Task WrongFault_IsRefused_WithEveryProblem()
    {
        await using var connection = await OpenAsync();

        var error = Should.Throw<ControlException>(() => connection.Control.Set(new Fault { Kind = FaultKind.Slow, Times = 0, DelayMs = -1, Hits = 2, Variant = 9 }));

        foreach (var field in new[] { "times is 0", "delay_ms is -1", "hits and of", "variant is 9" }) error.Message.ShouldContain(field);
        connection.Control.Read().Faults.ShouldBeEmpty();
    }

    private static async Task<HttpConnection> OpenAsync() => (HttpConnection)await Connection.OpenAsync(StreamableHttp);
}
