using System.Net;
using System.Net.ServerSentEvents;
using FaultyUpstream.Tests.Wire;
using static FaultyUpstream.UpstreamTransport;

namespace FaultyUpstream.Tests;

/// <summary>Sessions as a well-behaved server keeps them, and as it loses them when told.</summary>
public sealed class SessionTests
{
    [Fact]
    public async Task Counter_IsKeptPerSession()
    {
        await using var first = await OpenHttpAsync();
        await using var second = new HttpConnection(first.Host, owns: false);
        await second.ShakeHandsAsync();

        await first.AskAsync(Messages.Call(1, "add_to_counter", """{"amount":5}"""));
        await second.AskAsync(Messages.Call(1, "add_to_counter", """{"amount":7}"""));

        (await ReadCounterAsync(first)).ShouldBe("5");
        (await ReadCounterAsync(second)).ShouldBe("7");
        first.Control.Read().Sessions.Select(session => session.Counter).Order().ShouldBe([5, 7]);
    }

    [Fact]
    public async Task Drop_OfOneSession_LeavesTheOther()
    {
        await using var first = await OpenHttpAsync();
        await using var second = new HttpConnection(first.Host, owns: false);
        await second.ShakeHandsAsync();

        first.Control.Drop(new DropSessions { Session = first.Session }).ShouldBe(1);

        (await first.AskAsync(Messages.Request(1, "ping"))).ShouldBe($"404 application/json {Messages.ErrorOf("null", -32001, "Session not found")}");
        (await second.AskAsync(Messages.Request(1, "ping"))).ShouldContain("\"result\"");
        first.Control.Read().SessionCounts.ShouldBe(new(Opened: 2, Open: 1, Deleted: 0, Disconnected: 0, Dropped: 1));
    }

    [Fact]
    public async Task Drop_EndsRunningCallsWithoutAnAnswer_AndTheStreams()
    {
        await using var connection = await OpenHttpAsync();
        using var stream = await connection.GetAsync();
        var slow = connection.PostAsync(Messages.Call(7, "slow"));
        await Eventually.HoldsAsync(() => connection.Control.Read().Counters.CallsRunning == 1);

        connection.Control.Drop();

        using var response = await slow;
        (await HttpConnection.EventsAsync(response)).ShouldBeEmpty();
        (await HttpConnection.EventsAsync(stream)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Drop_EndsTheStreamInOrder_AndRefusesPosts_OnSse()
    {
        await using var connection = (SseConnection)await Connection.OpenAsync(Sse);

        connection.Control.Drop(new DropSessions { Answer = FaultKind.BareNotFound }).ShouldBe(1);

        (await connection.NextAsync()).ShouldBeNull();
        (await connection.AskAsync(Messages.Request(1, "ping"))).ShouldBe("404 text/plain Invalid session ID\n");
    }

    [Theory]
    [InlineData(StreamableHttp)]
    [InlineData(Sse)]
    public async Task Restart_ForgetsEverything_AndResetsConnections(UpstreamTransport transport)
    {
        await using var connection = await Connection.OpenAsync(transport);
        await connection.AskAsync(Messages.Call(1, "add_to_counter"));
        var slow = connection.AskAsync(Messages.Call(7, "slow"));
        await Eventually.HoldsAsync(() => connection.Control.Read().Counters.CallsRunning == 1);

        connection.Control.Restart();

        var error = await Should.ThrowAsync<Exception>(slow);
        (error is IOException or HttpRequestException).ShouldBeTrue(error.ToString());
        connection.Control.Read().SessionCounts.Open.ShouldBe(0);
    }

    [Fact]
    public async Task Restart_EndsTheProcess_OnStdio()
    {
        await using var connection = (StdioConnection)await Connection.OpenAsync(Stdio);

        connection.Control.Restart();

        (await connection.Host.Completion).ShouldBe(0);
    }

    [Fact]
    public async Task EndOfInput_EndsTheProcess_OnStdio()
    {
        await using var connection = (StdioConnection)await Connection.OpenAsync(Stdio);

        (await connection.CloseInputAsync()).ShouldBe(0);

        connection.Control.Read().SessionCounts.Disconnected.ShouldBe(1);
    }

    [Fact]
    public async Task Delete_EndsTheSession_Once()
    {
        await using var connection = await OpenHttpAsync();

        using (var first = await connection.DeleteAsync()) first.StatusCode.ShouldBe(HttpStatusCode.OK);
        using (var second = await connection.DeleteAsync()) second.StatusCode.ShouldBe(HttpStatusCode.NotFound);

        connection.Control.Read().SessionCounts.ShouldBe(new(Opened: 1, Open: 0, Deleted: 1, Disconnected: 0, Dropped: 0));
        connection.Control.Read().Counters.Requests["DELETE"].ShouldBe(2);
    }

    [Fact]
    public async Task SecondStream_IsRefused_WhileTheFirstIsOpen()
    {
        await using var connection = await OpenHttpAsync();
        using var first = await connection.GetAsync();
        first.StatusCode.ShouldBe(HttpStatusCode.OK);

        using var second = await connection.GetAsync();

        second.StatusCode.ShouldBe(HttpStatusCode.Conflict);
    }

    [Theory]
    [InlineData(StreamableHttp)]
    [InlineData(Sse)]
    [InlineData(Stdio)]
    public async Task Cancelled_StopsTheCall_AndIsRecorded(UpstreamTransport transport)
    {
        await using var connection = await Connection.OpenAsync(transport);
        var slow = transport == StreamableHttp ? ((HttpConnection)connection).PostAsync(Messages.Call(7, "slow", """{"call_id":"a"}""")) : null;
        if (slow is null) await connection.TellAsync(Messages.Call(7, "slow", """{"call_id":"a"}"""));
        await Eventually.HoldsAsync(() => connection.Control.Read().Counters.CallsRunning == 1);

        await connection.TellAsync(Messages.Cancel(7));
        await connection.TellAsync(Messages.Cancel(99));

        (await connection.AskAsync(Messages.Request(8, "ping"))).ShouldContain("\"id\":8");
        if (slow is not null) (await HttpConnection.EventsAsync(await slow)).ShouldBeEmpty();
        var counters = await Eventually.SeesAsync(() => connection.Control.Read().Counters, counters => counters.CallsRunning == 0);
        counters.Executions["a"].ShouldBe(1);
        counters.Cancellations.Select(cancelled => (cancelled.RequestId!.ToJsonString(), cancelled.Reason, cancelled.Running)).ShouldBe([("7", "enough", true), ("99", "enough", false)]);
    }

    [Fact]
    public async Task Disconnect_OfALegacyClient_IsNoCancellation()
    {
        await using var connection = await OpenHttpAsync();
        using var leave = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var slow = connection.PostAsync(Messages.Call(7, "slow"), leave.Token);
        await Eventually.HoldsAsync(() => connection.Control.Read().Counters.CallsRunning == 1);

        await leave.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(slow);
        (await connection.AskAsync(Messages.Request(8, "ping"))).ShouldContain("\"result\"");

        connection.Control.Read().Counters.CallsRunning.ShouldBe(1);
        connection.Control.Release();
        await Eventually.HoldsAsync(() => connection.Control.Read().Counters.CallsRunning == 0);
        connection.Control.Read().Counters.Cancellations.ShouldBeEmpty();
    }

    [Fact]
    public async Task ListChanged_ReachesWhoListens_WithATool()
    {
        await using var http = await OpenHttpAsync();
        using var stream = await http.GetAsync();
        await using var events = SseParser.Create(await stream.Content.ReadAsStreamAsync()).EnumerateAsync().GetAsyncEnumerator();
        await using var sse = await SseConnection.ConnectAsync(http.Host);
        await sse.ShakeHandsAsync();
        await Eventually.HoldsAsync(() => http.Control.Read().Sessions.All(session => session.Listening));

        (await http.Control.ChangeListAsync(new ListChange { Tool = "extra" })).ShouldBe(2);

        const string Announcement = """{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}""";
        (await events.MoveNextAsync()).ShouldBeTrue();
        events.Current.Data.ShouldBe(Announcement);
        (await sse.NextAsync()).ShouldBe(Announcement);
        (await sse.AskAsync(Messages.Request(2, "tools/list"))).ShouldContain("\"name\":\"extra\"");
        (await sse.AskAsync(Messages.Call(3, "extra"))).ShouldContain("\"text\":\"extra\"");
    }

    [Theory]
    [InlineData("Accept", "application/json", 406)]
    [InlineData("MCP-Protocol-Version", "2025-03-26", 400)]
    public async Task WrongHeader_IsRefused(string header, string value, int status)
    {
        await using var connection = await OpenHttpAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, connection.Host.Mcp) { Content = new StringContent(Messages.Request(1, "ping"), System.Text.Encoding.UTF8, "application/json") };
        request.Headers.Add("Mcp-Session-Id", connection.Session);
        request.Headers.Add(header, value);
        if (header != "Accept") request.Headers.Add("Accept", "application/json, text/event-stream");

        using var response = await connection.Http.SendAsync(request);

        ((int)response.StatusCode).ShouldBe(status);
    }

    [Theory]
    [InlineData("{", -32700)]
    [InlineData("[]", -32600)]
    [InlineData("""{"jsonrpc":"2.0","id":true,"method":"ping"}""", -32600)]
    public async Task Rubbish_IsRefused(string body, int code)
    {
        foreach (var transport in Enum.GetValues<UpstreamTransport>())
        {
            await using var connection = await Connection.OpenAsync(transport);
            (await connection.AskAsync(body)).ShouldContain($"\"code\":{code}");
        }
    }

    [Theory]
    [InlineData("slow", """{"ms":-1}""", "ms must be a whole number from 0 to 3600000")]
    [InlineData("slow", """{"ms":"x"}""", "it is \\u0022x\\u0022")]
    [InlineData("execute_once", "{}", "call_id must be a text; it is missing")]
    public async Task WrongArgument_IsAToolError(string tool, string arguments, string said)
    {
        await using var connection = await OpenHttpAsync();

        var answer = await connection.AskAsync(Messages.Call(1, tool, arguments));

        answer.ShouldContain(said);
        answer.ShouldContain("\"isError\":true");
    }

    private static async Task<HttpConnection> OpenHttpAsync() => (HttpConnection)await Connection.OpenAsync(StreamableHttp);

    private static async Task<string> ReadCounterAsync(HttpConnection connection) =>
        Messages.TextOf((await connection.AskAsync(Messages.Call(9, "read_counter")))["200 application/json ".Length..]);
}
