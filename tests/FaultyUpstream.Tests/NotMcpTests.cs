using FaultyUpstream.Tests.Wire;
using static FaultyUpstream.UpstreamTransport;

namespace FaultyUpstream.Tests;

/// <summary>Answers that are no loss of a session, though a careless client takes them for one.</summary>
public sealed class NotMcpTests
{
    [Theory]
    [InlineData(FaultKind.Accepted, 1, "202  ")]
    [InlineData(FaultKind.Html, 1, "200 text/html <!DOCTYPE html>")]
    [InlineData(FaultKind.Html, 2, "502 text/html <!DOCTYPE html>")]
    [InlineData(FaultKind.Redirect, 1, "307  ")]
    [InlineData(FaultKind.Unauthorized, 1, "401 application/json {\"error\":\"invalid_token\"}")]
    [InlineData(FaultKind.Forbidden, 1, "403 application/json {\"error\":\"insufficient_scope\"}")]
    public async Task Answer_IsOnTheWire_AndTheSessionLives(FaultKind kind, int variant, string expected)
    {
        foreach (var transport in new[] { StreamableHttp, Sse })
        {
            if (FaultTable.Cell(kind, transport) is [FaultAct.Absent]) continue;
            await using var connection = await Connection.OpenAsync(transport);
            connection.Control.Set(new Fault { Kind = kind, Variant = variant, Times = 1, Location = "/sign-in" });

            (await connection.AskAsync(Messages.Request(7, "tools/list"))).ShouldStartWith(expected);
            (await connection.AskAsync(Messages.Request(8, "tools/list"))).ShouldContain("\"name\":\"echo\"");
        }
    }

    [Fact]
    public async Task Headers_GoWithTheStatus()
    {
        await using var connection = (HttpConnection)await Connection.OpenAsync(StreamableHttp);
        connection.Control.Set(new Fault { Kind = FaultKind.Redirect, Times = 1, Location = "/sign-in" });
        connection.Control.Set(new Fault { Kind = FaultKind.Unauthorized, Times = 1 });

        using var redirect = await connection.PostAsync(Messages.Request(7, "tools/list"));
        redirect.Headers.Location!.ToString().ShouldBe("/sign-in");
        using var unauthorized = await connection.PostAsync(Messages.Request(7, "tools/list"));
        unauthorized.Headers.WwwAuthenticate.ShouldHaveSingleItem().Scheme.ShouldBe("Bearer");
    }

    [Theory]
    [InlineData(StreamableHttp, "200 application/json ")]
    [InlineData(Sse, "stream ")]
    [InlineData(Stdio, "line ")]
    public async Task LenientUnknown_AnswersWhatItDoesNotKnowWithNothing(UpstreamTransport transport, string prefix)
    {
        await using var connection = await Connection.OpenAsync(transport);
        var probe = Messages.Request(7, "server/discover");
        (await connection.AskAsync(probe)).ShouldBe($"{prefix}{Messages.ErrorOf("7", -32601, "Method not found: server/discover")}");

        connection.Control.Set(new Fault { Kind = FaultKind.LenientUnknown });

        (await connection.AskAsync(probe)).ShouldBe(prefix + """{"jsonrpc":"2.0","id":7,"result":{}}""");
        (await connection.AskAsync(Messages.Request(8, "tools/list"))).ShouldContain("\"name\":\"echo\"");
        connection.Control.Read().Counters.Probes.ShouldBe(2);
    }

    [Fact]
    public async Task Probe_OfALegacyServer_GetsA400_WithoutASession()
    {
        await using var connection = await Connection.ConnectAsync(StreamableHttp);

        (await connection.AskAsync(Messages.Request(1, "server/discover"))).ShouldStartWith("400 application/json");
    }
}
