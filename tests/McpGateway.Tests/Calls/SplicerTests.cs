using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using McpGateway.Calls;
using McpGateway.Protocol;
using McpGateway.Sessions;

namespace McpGateway.Tests.Calls;

public sealed class SplicerTests
{
    private const string Envelope = "\"" + """io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"c","version":"1"},"io.modelcontextprotocol/clientCapabilities":{"sampling":{}}""";

    [Fact]
    public void Splice_ReplacesIdAndNameOnly_BetweenLegacyPeers() =>
        ToUpstream("""{"x":[1.0,1E5,"\u00e4"] , "id" : "abc","params":{"arguments": {"a" : 1.10 },"name":"up__tool"},"method":"tools/call","jsonrpc":"2.0"}""", McpEra.Legacy, name: "tool")
            .ShouldBe("""{"x":[1.0,1E5,"\u00e4"] , "id" : 7,"params":{"arguments": {"a" : 1.10 },"name":"tool"},"method":"tools/call","jsonrpc":"2.0"}""");

    [Theory]
    [InlineData("5")]
    [InlineData("\"token\"")]
    public void Splice_PutsOurTokenIn_ForTheClientsOwn(string token) =>
        ToUpstream("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","_meta":{"mine":{"progressToken":1},"progressToken":TOKEN}}}""".Replace("TOKEN", token, StringComparison.Ordinal), McpEra.Legacy)
            .ShouldBe("""{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"t","_meta":{"mine":{"progressToken":1},"progressToken":7}}}""");

    [Fact]
    public void Splice_FoldsLines_SoThatAMessageIsOneLine() =>
        ToUpstream("{\"jsonrpc\":\"2.0\",\r\n\"id\":1,\n\"method\":\"x\"}\n", McpEra.Legacy).ShouldBe("""{"jsonrpc":"2.0",  "id":7, "method":"x"} """);

    [Theory]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"x"}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"x","params":{}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"x","params":{  }}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":{}}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":null}}""")]
    [InlineData("""{"params":{"a":1},"jsonrpc":"2.0","id":1,"method":"x"}""")]
    public void Splice_GivesAModernUpstreamItsEnvelope_WhateverTheParams(string message)
    {
        var sent = JsonNode.Parse(ToUpstream(message, McpEra.Modern))!;

        sent["id"]!.GetValue<int>().ShouldBe(7);
        var meta = sent["params"]!["_meta"]!.AsObject();
        meta["io.modelcontextprotocol/protocolVersion"]!.GetValue<string>().ShouldBe("2026-07-28");
        meta["io.modelcontextprotocol/clientInfo"]!["name"]!.GetValue<string>().ShouldBe("mcp-gateway");
        meta["io.modelcontextprotocol/clientCapabilities"]!.AsObject().ShouldBeEmpty();
        meta.ContainsKey("progressToken").ShouldBeFalse();
    }

    [Fact]
    public void Splice_PassesOnWhatTheClientCanBeAskedAndWantsToHear_NotTheRestOfItsEnvelope()
    {
        var message = """{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":{ENVELOPE,"io.modelcontextprotocol/logLevel":"debug","own/x": [1.0] ,"progressToken":"p"},"name":"t"}}""".Replace("ENVELOPE", Envelope, StringComparison.Ordinal);

        ToUpstream(message, McpEra.Legacy, client: McpEra.Modern)
            .ShouldBe("""{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"_meta":{"own/x": [1.0],"progressToken":7},"name":"t"}}""");
        var modern = JsonNode.Parse(ToUpstream(message, McpEra.Modern, client: McpEra.Modern))!["params"]!["_meta"]!.AsObject();
        modern["io.modelcontextprotocol/clientCapabilities"]!.ToJsonString().ShouldBe("""{"sampling":{}}""");
        modern["io.modelcontextprotocol/logLevel"]!.GetValue<string>().ShouldBe("debug");
        modern["io.modelcontextprotocol/clientInfo"]!["name"]!.GetValue<string>().ShouldBe("mcp-gateway");
        modern["own/x"]!.ToJsonString().ShouldBe("[1.0]");
        modern["progressToken"]!.GetValue<int>().ShouldBe(7);
    }

    [Fact]
    public void Splice_PutsTheGatewaysSpanIn_ForTheClients()
    {
        using var listener = new ActivityListener { ShouldListenTo = source => source.Name == "splicer-test", Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded };
        ActivitySource.AddActivityListener(listener);
        using var source = new ActivitySource("splicer-test");
        using var activity = source.StartActivity("call")!;

        var sent = ToUpstream("""{"jsonrpc":"2.0","id":1,"method":"x","params":{"_meta":{"traceparent":"00-old","tracestate":"old=1","keep":1}}}""", McpEra.Legacy);

        sent.ShouldBe("""{"jsonrpc":"2.0","id":7,"method":"x","params":{"_meta":{"keep":1,"traceparent":"SPAN"}}}""".Replace("SPAN", activity.Id, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("""{"jsonrpc":"2.0","id":7,"result":{"content":[ 1.0 ]},"extra":1}""", McpEra.Legacy, McpEra.Legacy, """{"jsonrpc":"2.0","id":"c","result":{"content":[ 1.0 ]},"extra":1}""")]
    [InlineData("""{"jsonrpc":"2.0","id":7,"result":{"content":[]}}""", McpEra.Modern, McpEra.Legacy, """{"jsonrpc":"2.0","id":"c","result":{"resultType":"complete","content":[]}}""")]
    [InlineData("""{"result":{ },"jsonrpc":"2.0","id":7}""", McpEra.Modern, McpEra.Legacy, """{"result":{"resultType":"complete" },"jsonrpc":"2.0","id":"c"}""")]
    [InlineData("""{"jsonrpc":"2.0","id":7,"result":{"resultType":"input_required"}}""", McpEra.Modern, McpEra.Modern, """{"jsonrpc":"2.0","id":"c","result":{"resultType":"input_required"}}""")]
    [InlineData("""{"result":{"ttlMs":1,"a":{"ttlMs":2},"resultType":"complete","cacheScope":"private"},"id":7,"jsonrpc":"2.0"}""", McpEra.Legacy, McpEra.Modern, """{"result":{"a":{"ttlMs":2}},"id":"c","jsonrpc":"2.0"}""")]
    [InlineData("""{"jsonrpc":"2.0","id":7,"result":null}""", McpEra.Modern, McpEra.Legacy, """{"jsonrpc":"2.0","id":"c","result":null}""")]
    public void WriteResult_CrossesErasBothWays(string answer, object client, object upstream, string expected)
    {
        using var message = Message(answer);
        using var output = new MessageBuffer();

        AnswerSplicer.WriteResult(output, message, Call("\"c\"", (McpEra)client), (McpEra)upstream);

        Encoding.UTF8.GetString(output.Span).ShouldBe(expected);
    }

    [Theory]
    [InlineData("""{"jsonrpc":"2.0","id":7,"error":{"code":-32602 ,"message":"\u00e4","data":{"n":1.50}}}""")]
    [InlineData("""{"jsonrpc":"2.0","id":null,"error":{"code":-32602 ,"message":"\u00e4","data":{"n":1.50}}}""")]
    [InlineData("""{"error":{"code":-32602 ,"message":"\u00e4","data":{"n":1.50}},"id":"server-error","jsonrpc":"2.0"}""")]
    public void WriteError_KeepsTheError_AndPutsTheClientsIdIn(string answer)
    {
        using var message = Message(answer);
        using var output = new MessageBuffer();

        AnswerSplicer.WriteError(output, message, Call("3", McpEra.Modern)).ShouldBe(-32602);

        Encoding.UTF8.GetString(output.Span).ShouldBe("""{"jsonrpc":"2.0","id":3,"error":{"code":-32602 ,"message":"\u00e4","data":{"n":1.50}}}""");
    }

    /// <summary>Until 2026-07-28 a resource that is not there had a code of its own, and no result said how long it holds.</summary>
    [Fact]
    public void Write_SpellsForAModernClient_WhatItsRevisionSpellsDifferently()
    {
        using var output = new MessageBuffer();
        using (var error = Message("""{"jsonrpc":"2.0","id":7,"error":{"code":-32002,"message":"no","data":{"uri":"a:b"}}}"""))
            AnswerSplicer.WriteError(output, error, Call("1", McpEra.Modern, "resources/read")).ShouldBe(-32602);
        Encoding.UTF8.GetString(output.Span).ShouldBe("""{"jsonrpc":"2.0","id":1,"error":{"message":"no","data":{"uri":"a:b"},"code":-32602}}""");

        output.Clear();
        using (var read = Message("""{"jsonrpc":"2.0","id":7,"result":{"contents":[]}}""")) AnswerSplicer.WriteResult(output, read, Call("1", McpEra.Modern, "resources/read"), McpEra.Legacy);
        Encoding.UTF8.GetString(output.Span).ShouldBe("""{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","ttlMs":0,"cacheScope":"private","contents":[]}}""");
    }

    [Theory]
    [InlineData("12")]
    [InlineData("\"tök\\u0065n\"")]
    public void WriteNotice_RestoresTheClientsToken_OfProgress(string token)
    {
        using var message = Message("""{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":0.50,"progressToken":7,"message":"half"}}""");
        using var output = new MessageBuffer();

        AnswerSplicer.WriteNotice(output, message, Call("1", McpEra.Modern, meta: $$"""{"progressToken":{{token}}}"""));

        Encoding.UTF8.GetString(output.Span).ShouldBe($$$"""{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":0.50,"progressToken":{{{token}}},"message":"half"}}""");
    }

    /// <summary>Whatever JSON a client puts into its arguments, and a server into its result, arrives byte for byte.</summary>
    [Fact]
    public void Splicers_PassAnyValueByteForByte()
    {
        const int seed = 20260728;
        var json = new RandomJson(new Random(seed));
        for (var round = 0; round < 3000; round++)
        {
            var value = json.Object(depth: 4);
            var request = $"{{\"jsonrpc\":\"2.0\",\"id\":{round},\"method\":\"tools/call\",\"params\":{{\"name\":\"u__t\",\"arguments\":{value}}}}}";
            ToUpstream(request, McpEra.Legacy, name: "t").ShouldBe($"{{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{{\"name\":\"t\",\"arguments\":{value}}}}}", $"round {round} of seed {seed}");
            ToUpstream(request, McpEra.Modern, name: "t").ShouldContain($"\"name\":\"t\",\"arguments\":{value}}}", Case.Sensitive, $"round {round} of seed {seed}");

            using var message = Message($"{{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{{\"structuredContent\":{value}}}}}");
            using var output = new MessageBuffer();
            AnswerSplicer.WriteResult(output, message, Call("1", McpEra.Modern), McpEra.Legacy);
            Encoding.UTF8.GetString(output.Span).ShouldBe($"{{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{{\"resultType\":\"complete\",\"structuredContent\":{value}}}}}", $"round {round} of seed {seed}");
        }
    }

    private static string ToUpstream(string message, McpEra upstream, McpEra client = McpEra.Legacy, string? name = null)
    {
        var bytes = Encoding.UTF8.GetBytes(message);
        var call = new GatewayCall(bytes, MessageScanner.Scan(bytes), client, null!, name, new SessionKey(SessionKey.Anonymous, null), null, null!);
        using var output = RequestSplicer.Splice(call, 7, upstream);
        return Encoding.UTF8.GetString(output.Span);
    }

    private static GatewayCall Call(string id, McpEra client, string method = "tools/call", string meta = "{}")
    {
        var bytes = Encoding.UTF8.GetBytes($$$"""{"jsonrpc":"2.0","id":{{{id}}},"method":"{{{method}}}","params":{"_meta":{{{meta}}}}}""");
        return new GatewayCall(bytes, MessageScanner.Scan(bytes), client, null!, null, new SessionKey(SessionKey.Anonymous, null), null, null!);
    }

    private static UpstreamMessage Message(string json) => UpstreamMessage.Scan(MessageBuffer.CopyOf(Encoding.UTF8.GetBytes(json)));
}
