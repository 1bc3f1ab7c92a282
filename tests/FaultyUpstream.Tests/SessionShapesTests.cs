using FaultyUpstream.Tests.Wire;
using static FaultyUpstream.Faults.FaultKind;
using static FaultyUpstream.UpstreamTransport;

namespace FaultyUpstream.Tests;

/// <summary>The sixteen ways in which a lost session shows itself, on each transport: what is on the wire, byte for byte.</summary>
public sealed class SessionShapesTests
{
    private const string EmptyList = """{"jsonrpc":"2.0","id":7,"result":{"tools":[]}}""";
    private const string TooEarly = "Received request before initialization was complete";
    private const string Already = "Invalid Request: Server already initialized";

    /// <summary>What a request with id 7 gets: kind, transport, variant, and the answer as <see cref="Connection"/> tells it. Cells that are not here do not exist.</summary>
    public static TheoryData<FaultKind, UpstreamTransport, int, string> Answers()
    {
        var rows = new TheoryData<FaultKind, UpstreamTransport, int, string>();
        OnPost(NoValidSession, 1, 400, -32000, "No valid session. Send an initialize request first.");
        rows.Add(UnknownSessionHeader, StreamableHttp, 1, $"400 application/json {Messages.ErrorOf("null", -32000, "Unknown Mcp-Session-Id header")}");
        OnPost(SessionNotFoundBadRequest, 1, 400, -32600, "Session not found");
        OnPost(SessionNotFoundBadRequest, 2, 400, -32600, "No valid session ID provided");
        OnPost(SessionNotFound, 1, 404, -32001, "Session not found");
        OnPost(SessionNotFoundInvalidRequest, 1, 404, -32600, "Session not found");
        foreach (var transport in new[] { StreamableHttp, Sse })
        {
            rows.Add(BareNotFound, transport, 1, "404 text/plain Invalid session ID\n");
            rows.Add(BareNotFound, transport, 2, "404  ");
        }

        rows.Add(ExpectInitialize, StreamableHttp, 1, "422 text/plain expect initialize request");
        OnPost(SessionUnavailable, 1, 503, -32001, "Session not found");
        AsAnswer(ErrorInStream, 1, "200 text/event-stream", Messages.ErrorOf("7", -32001, "Session not found"));
        AsAnswer(EmptySuccess, 1, "200 application/json", EmptyList);
        AsAnswer(BeforeInitialization, 1, "200 application/json", Messages.ErrorOf("7", -32602, TooEarly));
        AsAnswer(BeforeInitialization, 2, "200 application/json", Messages.ErrorOf("7", -32602, "Invalid request parameters"));
        rows.Add(AlreadyInitialized, StreamableHttp, 1, $"400 application/json {Messages.ErrorOf("null", -32600, Already)}");
        rows.Add(AlreadyInitialized, StreamableHttp, 2, $"200 application/json {Messages.ErrorOf("7", -32600, Already)}");
        rows.Add(AlreadyInitialized, Sse, 1, $"stream {Messages.ErrorOf("7", -32600, Already)}");
        rows.Add(AlreadyInitialized, Stdio, 1, $"line {Messages.ErrorOf("7", -32600, Already)}");
        rows.Add(ReplicaRoulette, StreamableHttp, 1, $"400 application/json {Messages.ErrorOf("null", -32000, "Bad Request: No valid session ID provided")}");
        rows.Add(ReplicaRoulette, Sse, 1, "400 text/plain No transport found for sessionId");
        foreach (var transport in new[] { StreamableHttp, Sse })
        {
            rows.Add(RateLimited, transport, 1, "429 text/plain Too Many Requests");
            rows.Add(RateLimited, transport, 2, $"429 application/json {Messages.ErrorOf("null", -32000, "Too many requests")}");
        }

        AsAnswer(SessionTerminated, 1, "200 application/json", Messages.ErrorOf("7", 32600, "Session terminated"));
        AsAnswer(SessionTerminated, 2, "200 text/event-stream", Messages.ErrorOf("7", 32600, "Session terminated"));
        AsAnswer(NotConnected, 1, "200 application/json", Messages.ErrorOf("7", -32603, "Not connected"));
        AsAnswer(NotConnected, 2, "200 text/event-stream", Messages.ErrorOf("7", -32603, "Not connected"));
        return rows;

        void OnPost(FaultKind kind, int variant, int status, int code, string message)
        {
            foreach (var transport in new[] { StreamableHttp, Sse })
                rows.Add(kind, transport, variant, $"{status} application/json {Messages.ErrorOf("null", code, message)}");
        }

        void AsAnswer(FaultKind kind, int variant, string http, string body)
        {
            rows.Add(kind, StreamableHttp, variant, $"{http} {body}");
            rows.Add(kind, Sse, variant, $"stream {body}");
            rows.Add(kind, Stdio, variant, $"line {body}");
        }
    }

    [Theory]
    [MemberData(nameof(Answers))]
    public async Task Shape_IsOnTheWire(FaultKind kind, UpstreamTransport transport, int variant, string expected)
    {
        await using var connection = await Connection.OpenAsync(transport);
        connection.Control.Set(new Fault { Kind = kind, Variant = variant, Times = 1 });

        (await connection.AskAsync(kind == AlreadyInitialized ? Messages.Initialize(7) : Messages.Request(7, "tools/list"))).ShouldBe(expected);

        connection.Control.Read().Counters.FaultsFired.ShouldBe(new Dictionary<FaultKind, int> { [kind] = 1 });
        (await connection.AskAsync(Messages.Call(8, "echo", """{"text":"well again"}"""))).ShouldContain("well again");
    }

    [Fact]
    public void Answers_CoverEveryCellThatExists()
    {
        var tested = Answers().Select(row => row.Data).GroupBy(row => (row.Item1, row.Item2)).ToDictionary(cell => cell.Key, cell => cell.Count());
        var shapes = Enum.GetValues<FaultKind>().Where(kind => kind <= NotConnected).ToList();
        shapes.Count.ShouldBe(16);
        foreach (var kind in shapes)
        {
            foreach (var transport in Enum.GetValues<UpstreamTransport>())
            {
                var cell = FaultTable.Cell(kind, transport);
                if (cell is [FaultAct.Absent absent]) absent.Reason.ShouldNotBeEmpty();
                tested.GetValueOrDefault((kind, transport)).ShouldBe(cell is [FaultAct.Absent] ? 0 : cell.Count, $"{kind} on {transport}");
            }
        }
    }

    [Fact]
    public async Task Shape_ThatStdioLacks_IsRefusedWithTheReason()
    {
        await using var connection = await Connection.OpenAsync(Stdio);

        foreach (var kind in Enum.GetValues<FaultKind>().Where(kind => FaultTable.Cell(kind, Stdio) is [FaultAct.Absent]))
            Should.Throw<ControlException>(() => connection.Control.Set(new Fault { Kind = kind })).Message.ShouldContain("does not exist here");
    }

    [Theory]
    [InlineData(UnknownSessionHeader)]
    [InlineData(ExpectInitialize)]
    public async Task Shape_ThatSseLacks_DoesNotHappenThere(FaultKind kind)
    {
        await using var connection = await Connection.OpenAsync(Sse);
        connection.Control.Set(new Fault { Kind = kind });

        (await connection.AskAsync(Messages.Call(8, "echo", """{"text":"well"}"""))).ShouldContain("well");
    }

    /// <summary>Where a session can be dropped and its client can still ask: on HTTP+SSE the stream ends with it.</summary>
    public static TheoryData<FaultKind, UpstreamTransport, int, string> AnswersToDropped() =>
        [.. Answers().Where(row => row.Data.Item1 != AlreadyInitialized && row.Data.Item2 != Sse)];

    [Theory]
    [MemberData(nameof(AnswersToDropped))]
    public async Task DroppedSession_IsToldSo_InTheShapeAskedFor(FaultKind kind, UpstreamTransport transport, int variant, string expected)
    {
        await using var connection = await Connection.OpenAsync(transport);
        connection.Control.Drop(new DropSessions { Answer = kind, Variant = variant }).ShouldBe(1);

        for (var attempt = 0; attempt < 2; attempt++)
            (await connection.AskAsync(Messages.Request(7, "tools/list"))).ShouldBe(expected);

        await connection.ShakeHandsAsync();
        (await connection.AskAsync(Messages.Call(8, "read_counter"))).ShouldContain("\"text\":\"0\"");
    }
}
