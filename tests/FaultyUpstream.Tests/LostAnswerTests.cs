using FaultyUpstream.Tests.Wire;
using static FaultyUpstream.UpstreamTransport;

namespace FaultyUpstream.Tests;

/// <summary>Calls that are dispatched, or seem so, and whose answer does not arrive: what the client sees, and what was executed.</summary>
public sealed class LostAnswerTests
{
    private static readonly string s_call = Messages.Call(7, "execute_once", """{"call_id":"a"}""");

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Hang_NeverAnswers_OverHttp(bool executes)
    {
        await using var connection = await OpenHttpAsync();
        connection.Control.Set(new Fault { Kind = FaultKind.Hang, Times = 1, Executes = executes });
        using var leave = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);

        var asked = connection.PostAsync(s_call, leave.Token);
        await Eventually.HoldsAsync(() => connection.Control.Read().Counters.FaultsFired.ContainsKey(FaultKind.Hang));
        (await connection.AskAsync(Messages.Request(8, "ping"))).ShouldContain("\"result\"");
        asked.IsCompleted.ShouldBeFalse();
        await leave.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(asked);

        Executions(connection).ShouldBe(executes ? 1 : 0);
    }

    [Theory]
    [InlineData(Sse)]
    [InlineData(Stdio)]
    public async Task Hang_SkipsOneAnswer_OnASharedStream(UpstreamTransport transport)
    {
        await using var connection = await Connection.OpenAsync(transport);
        connection.Control.Set(new Fault { Kind = FaultKind.Hang, Methods = ["ping"] });

        await connection.TellAsync(Messages.Request(7, "ping"));
        (await connection.AskAsync(Messages.Call(8, "echo", """{"text":"x"}"""))).ShouldContain("\"id\":8");
    }

    [Fact]
    public async Task Hang_Variant2_DoesNotEvenAcknowledgeThePost_OnSse()
    {
        await using var connection = (SseConnection)await Connection.OpenAsync(Sse);
        connection.Control.Set(new Fault { Kind = FaultKind.Hang, Variant = 2, Times = 1 });

        var posted = connection.PostAsync(s_call);
        await Eventually.HoldsAsync(() => connection.Control.Read().Counters.FaultsFired.ContainsKey(FaultKind.Hang));

        (await connection.AskAsync(Messages.Request(8, "ping"))).ShouldContain("\"id\":8");
        posted.IsCompleted.ShouldBeFalse();
        connection.Control.Restart();
        await Should.ThrowAsync<HttpRequestException>(posted);
    }

    [Theory]
    [InlineData(1, "text/event-stream")]
    [InlineData(2, "application/json")]
    public async Task Cut_BreaksOffMidAnswer_AfterExecuting(int variant, string type)
    {
        await using var connection = await OpenHttpAsync();
        connection.Control.Set(new Fault { Kind = FaultKind.Cut, Variant = variant });

        using var response = await connection.PostAsync(s_call);
        response.Content.Headers.ContentType!.MediaType.ShouldBe(type);
        var (text, broke) = await ReadToBreakAsync(response);

        broke.ShouldBeTrue();
        text.ShouldStartWith(variant == 1 ? """event: message""" : """{"jsonrpc":"2.0","id":7""");
        text.ShouldNotContain("a 1");
        Executions(connection).ShouldBe(1);
    }

    [Fact]
    public async Task Cut_AfterAnEventId_CanBeResumedOnce()
    {
        await using var connection = await OpenHttpAsync();
        connection.Control.Set(new Fault { Kind = FaultKind.Cut, EventId = true, Times = 1 });

        using var response = await connection.PostAsync(s_call);
        var (text, broke) = await ReadToBreakAsync(response);
        broke.ShouldBeTrue();
        text.ShouldStartWith("id: ");
        var id = text["id: ".Length..text.IndexOf('\n')];

        using var resumed = await connection.GetAsync(("Last-Event-ID", id));
        Messages.TextOf((await HttpConnection.TellOfAsync(resumed))["200 text/event-stream ".Length..]).ShouldBe("a 1");
        using var again = await connection.GetAsync(("Last-Event-ID", id));
        ((int)again.StatusCode).ShouldBe(400);
    }

    [Fact]
    public async Task Cut_EndsTheStreamWithinAnEvent_OnSse()
    {
        await using var connection = await Connection.OpenAsync(Sse);
        connection.Control.Set(new Fault { Kind = FaultKind.Cut });

        (await connection.AskAsync(s_call)).ShouldBe("the stream ended");

        Executions(connection).ShouldBe(1);
        await Eventually.HoldsAsync(() => connection.Control.Read().Sessions.Count == 0);
    }

    [Fact]
    public async Task Cut_EndsTheProcessWithinALine_OnStdio()
    {
        await using var connection = (StdioConnection)await Connection.OpenAsync(Stdio);
        connection.Control.Set(new Fault { Kind = FaultKind.Cut });

        (await connection.AskAsync(s_call)).ShouldStartWith("""line {"jsonrpc":"2.0","id":7""");

        (await connection.Host.Completion).ShouldBe(Transports.Stdio.CrashCode);
        Executions(connection).ShouldBe(1);
    }

    [Fact]
    public async Task CloseStream_EndsInOrder_AndTheAnswerIsFetchedByGet_WhileTheCallRunsOn()
    {
        await using var connection = await OpenHttpAsync();
        connection.Control.Set(new Fault { Kind = FaultKind.CloseStream, RetryMs = 25, Times = 1 });

        using var response = await connection.PostAsync(Messages.Call(7, "slow"));
        var closed = (await HttpConnection.EventsAsync(response)).ShouldHaveSingleItem();
        closed.ReconnectionInterval.ShouldBe(TimeSpan.FromMilliseconds(25));
        closed.Data.ShouldBeEmpty();
        connection.Control.Read().Counters.CallsRunning.ShouldBe(1);

        using var resumed = await connection.GetAsync(("Last-Event-ID", closed.EventId!));
        connection.Control.Release();
        (await HttpConnection.TellOfAsync(resumed)).ShouldContain("\"text\":\"done\"");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Crash_ResetsTheConnection_OverHttp(bool executes)
    {
        await using var connection = await OpenHttpAsync();
        connection.Control.Set(new Fault { Kind = FaultKind.Crash, Times = 1, Executes = executes });

        await Should.ThrowAsync<HttpRequestException>(() => connection.PostAsync(s_call));

        Executions(connection).ShouldBe(executes ? 1 : 0);
        (await connection.AskAsync(Messages.Request(8, "ping"))).ShouldContain("\"result\"");
    }

    [Fact]
    public async Task Crash_ResetsTheStream_OnSse()
    {
        await using var connection = (SseConnection)await Connection.OpenAsync(Sse);
        connection.Control.Set(new Fault { Kind = FaultKind.Crash });

        await Should.ThrowAsync<HttpRequestException>(() => connection.PostAsync(s_call));
        await Should.ThrowAsync<IOException>(connection.NextAsync);

        Executions(connection).ShouldBe(1);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Crash_EndsTheProcess_OnStdio(bool executes)
    {
        await using var connection = (StdioConnection)await Connection.OpenAsync(Stdio);
        connection.Control.Set(new Fault { Kind = FaultKind.Crash, Executes = executes });

        await connection.TellAsync(s_call);

        (await connection.Host.Completion.WaitAsync(Eventually.Patience, TimeProvider.System)).ShouldBe(Transports.Stdio.CrashCode);
        Executions(connection).ShouldBe(executes ? 1 : 0);
    }

    [Fact]
    public async Task EmptySuccess_OfACall_HasNoContent_AndDidNotRun()
    {
        await using var connection = await OpenHttpAsync();
        connection.Control.Set(new Fault { Kind = FaultKind.EmptySuccess });

        (await connection.AskAsync(s_call)).ShouldBe("""200 application/json {"jsonrpc":"2.0","id":7,"result":{"content":[]}}""");

        Executions(connection).ShouldBe(0);
    }

    private static async Task<HttpConnection> OpenHttpAsync() => (HttpConnection)await Connection.OpenAsync(StreamableHttp);

    private static int Executions(Connection connection) => connection.Control.Read().Counters.Executions.GetValueOrDefault("a");

    private static async Task<(string Text, bool Broke)> ReadToBreakAsync(HttpResponseMessage response)
    {
        using var read = new MemoryStream();
        var broke = false;
        try
        {
            await using var body = await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken);
            await body.CopyToAsync(read, bufferSize: 16, TestContext.Current.CancellationToken);
        }
        catch (Exception error) when (error is HttpIOException or HttpRequestException)
        {
            broke = true;
        }

        return (System.Text.Encoding.UTF8.GetString(read.ToArray()), broke);
    }
}
