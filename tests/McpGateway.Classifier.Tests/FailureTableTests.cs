using System.Text;
using McpGateway.Sessions;
using McpGateway.Upstreams.Links;
using Transport = McpGateway.Upstreams.UpstreamTransport;

namespace McpGateway.Classifier.Tests;

/// <summary>The rows that need no wire: what is and what only looks like a loss.</summary>
public sealed class FailureTableTests
{
    [Theory]
    [InlineData(true, 404, "", "SessionLost")]
    [InlineData(false, 404, "Session not found", "NotMcp")]
    [InlineData(true, 400, "Bad Request: No valid session ID provided", "SessionLost")]
    [InlineData(false, 400, "Bad Request: Server not initialized", "NotMcp")]
    [InlineData(true, 400, """{"jsonrpc":"2.0","error":{"code":-32000,"message":"Bad JSON"}}""", "NotMcp")]
    [InlineData(true, 400, "params.session must be an object", "NotMcp")]
    [InlineData(true, 503, "Session not found", "SessionLost")]
    [InlineData(true, 503, "maintenance", "Throttled")]
    [InlineData(true, 401, "session expired", "Unauthorized")]
    [InlineData(true, 403, "session expired", "Unauthorized")]
    [InlineData(true, 429, "too many sessions", "Throttled")]
    [InlineData(true, 202, "", "NotMcp")]
    [InlineData(true, 302, "", "NotMcp")]
    [InlineData(true, 200, "<html>session expired</html>", "NotMcp")]
    public void Response_IsJudgedByStatusAndWhetherASessionWasHeld(bool held, int status, string body, string expected) =>
        FailureTable.Find(new FailureSign(Transport.Http, held, status, Text: body)).Kind.ToString().ShouldBe(expected);

    [Theory]
    [InlineData(true, -32001, "Session not found", "OutcomeUnknown", true)]
    [InlineData(true, -32600, "Session not found", "OutcomeUnknown", true)]
    [InlineData(false, -32001, "Session not found", "", false)]
    [InlineData(true, -32000, "MCP error -32000: Bad Request: No valid session ID provided", "OutcomeUnknown", true)]
    [InlineData(true, 32600, "Session terminated", "OutcomeUnknown", true)]
    [InlineData(true, -32602, "Received request before initialization was complete", "SessionLost", false)]
    [InlineData(true, -32000, "Received request before initialization was complete", "OutcomeUnknown", true)]
    [InlineData(true, -32602, "Invalid request parameters", "SessionLost", true)]
    [InlineData(true, -32603, "Not connected", "OutcomeUnknown", false)]
    [InlineData(true, -32603, "Not connected to the database", "", false)]
    [InlineData(true, -32602, "Browser session not found: 7", "OutcomeUnknown", true)]
    [InlineData(true, -32602, "Session not found", "OutcomeUnknown", true)]
    [InlineData(true, -32000, "Disk full", "", false)]
    [InlineData(true, -32019, "Busy", "", false)]
    [InlineData(true, -32600, "Server already initialized", "", false)]
    public void ErrorAnswer_IsJudgedByWholePhrases(bool held, int code, string text, string expected, bool probe)
    {
        var shape = FailureTable.Find(new FailureSign(Transport.Http, held, Code: code, Text: text));

        shape.Kind.ToString().ShouldBe(expected);
        shape.NeedsProbe.ShouldBe(probe);
    }

    [Fact]
    public void Status_MeansNothing_WhereTheTransportHasNone() =>
        FailureTable.Find(new FailureSign(Transport.Stdio, HeldSession: true, Status: 404)).Kind.ShouldBeNull();

    [Fact]
    public void RefusedInitialize_IsALimit_OnlyWhenItSaysSo()
    {
        FailureTable.Find(new FailureSign(Transport.Http, false, Code: -32600, Text: "Invalid Request: Server already initialized", ToInitialize: true)).Kind.ShouldBe(FailureKind.OneSession);
        FailureTable.Find(new FailureSign(Transport.Http, false, Code: -32602, Text: "Unsupported protocol version", ToInitialize: true)).Kind.ShouldBe(FailureKind.NotMcp);
    }

    [Theory]
    [InlineData("{}", true)]
    [InlineData("""{ "content" : [ ] }""", true)]
    [InlineData("""{"content":[],"isError":false}""", true)]
    [InlineData("""{"content":[],"isError":true}""", false)]
    [InlineData("""{"content":[],"structuredContent":{"a":1}}""", false)]
    [InlineData("""{"content":[{"type":"text","text":""}]}""", false)]
    public void Result_IsEmpty_WhenItHoldsNothing(string result, bool empty) => FailureTable.IsEmpty(Encoding.UTF8.GetBytes(result)).ShouldBe(empty);
}
