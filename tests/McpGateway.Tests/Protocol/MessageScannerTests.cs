using System.Text;
using McpGateway.Protocol;

namespace McpGateway.Tests.Protocol;

public sealed class MessageScannerTests
{
    [Theory]
    [InlineData("""[{"jsonrpc":"2.0","id":1,"method":"ping"}]""", RpcErrorCode.InvalidRequest, "batch")]
    [InlineData("""[]""", RpcErrorCode.InvalidRequest, "batch")]
    [InlineData("""7""", RpcErrorCode.InvalidRequest, "one JSON object")]
    [InlineData("""null""", RpcErrorCode.InvalidRequest, "one JSON object")]
    [InlineData("", RpcErrorCode.ParseError, "not valid JSON")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"ping" """, RpcErrorCode.ParseError, "not valid JSON")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"ping",}""", RpcErrorCode.ParseError, "not valid JSON")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"ping"} {}""", RpcErrorCode.ParseError, "not valid JSON")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"ping"} // why""", RpcErrorCode.ParseError, "not valid JSON")]
    [InlineData("\uFEFF{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}", RpcErrorCode.ParseError, "not valid JSON")]
    [InlineData("""{"id":1,"method":"ping"}""", RpcErrorCode.InvalidRequest, "jsonrpc must be")]
    [InlineData("""{"jsonrpc":"1.0","id":1,"method":"ping"}""", RpcErrorCode.InvalidRequest, "jsonrpc must be")]
    [InlineData("""{"jsonrpc":2.0,"id":1,"method":"ping"}""", RpcErrorCode.InvalidRequest, "jsonrpc must be")]
    [InlineData("""{"jsonrpc":"2.0","jsonrpc":"2.0","id":1,"method":"ping"}""", RpcErrorCode.InvalidRequest, "jsonrpc appears twice")]
    [InlineData("""{"jsonrpc":"2.0","id":null,"method":"ping"}""", RpcErrorCode.InvalidRequest, "not null")]
    [InlineData("""{"jsonrpc":"2.0","id":1.5,"method":"ping"}""", RpcErrorCode.InvalidRequest, "string or an integer")]
    [InlineData("""{"jsonrpc":"2.0","id":1.0,"method":"ping"}""", RpcErrorCode.InvalidRequest, "string or an integer")]
    [InlineData("""{"jsonrpc":"2.0","id":1e2,"method":"ping"}""", RpcErrorCode.InvalidRequest, "string or an integer")]
    [InlineData("""{"jsonrpc":"2.0","id":true,"method":"ping"}""", RpcErrorCode.InvalidRequest, "string or an integer")]
    [InlineData("""{"jsonrpc":"2.0","id":{"a":1},"method":"ping"}""", RpcErrorCode.InvalidRequest, "string or an integer")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}""", RpcErrorCode.InvalidRequest, "id appears twice")]
    [InlineData("""{"jsonrpc":"2.0","id":null,"id":2,"method":"ping"}""", RpcErrorCode.InvalidRequest, "id appears twice")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"i\u0064":2,"method":"ping"}""", RpcErrorCode.InvalidRequest, "id appears twice")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}""", RpcErrorCode.InvalidRequest, "method appears twice")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}""", RpcErrorCode.InvalidRequest, "Method is spelled method")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"ping","M\u0065thod":"tools/call"}""", RpcErrorCode.InvalidRequest, "Method is spelled method")]
    [InlineData("""{"jsonrpc":"2.0","ID":1,"method":"ping"}""", RpcErrorCode.InvalidRequest, "ID is spelled id")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":7}""", RpcErrorCode.InvalidRequest, "method must be a string")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":""}""", RpcErrorCode.InvalidRequest, "method is empty")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{},"params":{}}""", RpcErrorCode.InvalidRequest, "params appears twice")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","name":"b"}}""", RpcErrorCode.InvalidRequest, "name appears twice")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","Name":"b"}}""", RpcErrorCode.InvalidRequest, "Name is spelled name")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":{},"_meta":{}}}""", RpcErrorCode.InvalidRequest, "_meta appears twice")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":{"progressToken":1,"progressToken":2}}}""", RpcErrorCode.InvalidRequest, "progressToken appears twice")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":{"progresstoken":1}}}""", RpcErrorCode.InvalidRequest, "is spelled progressToken")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"result":{"_meta":{},"_meta":{}}}""", RpcErrorCode.InvalidRequest, "_meta appears twice")]
    [InlineData("""{"jsonrpc":"2.0","id":1}""", RpcErrorCode.InvalidRequest, "either a method")]
    [InlineData("""{"jsonrpc":"2.0","result":{}}""", RpcErrorCode.InvalidRequest, "either a method")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"result":{},"error":{}}""", RpcErrorCode.InvalidRequest, "either a method")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}""", RpcErrorCode.InvalidRequest, "either a method")]
    [InlineData("""{"jsonrpc":"2.0","id":1,"method":"ping","\ud800":1}""", RpcErrorCode.ParseError, "not valid JSON")]
    public void Scan_Refuses_WhatIsAmbiguousOrNoMessage(string message, int code, string reason)
    {
        var refused = Should.Throw<MessageRefusedException>(() => Scan(message));

        refused.Code.ShouldBe(code);
        refused.Message.ShouldContain(reason);
    }

    [Fact]
    public void Scan_Refuses_WhenTextIsNoUtf8()
    {
        var bytes = (byte[])[.. "{\"jsonrpc\":\"2.0\",\"id\":\"a"u8, 0xC3, 0x28, .. "\",\"method\":\"ping\"}"u8];

        Should.Throw<MessageRefusedException>(() => MessageScanner.Scan(bytes)).Code.ShouldBe(RpcErrorCode.ParseError);
    }

    [Fact]
    public void Scan_Refuses_WhenNestedTooDeeply()
    {
        var deep = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":{\"a\":" + new string('[', 100_000) + new string(']', 100_000) + "}}";

        Should.Throw<MessageRefusedException>(() => Scan(deep)).Code.ShouldBe(RpcErrorCode.ParseError);
    }

    [Fact]
    public void Scan_Takes_NestingAToolMayWellHave()
    {
        var message = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":{\"a\":" + new string('[', 100) + new string(']', 100) + "}}";

        Scan(message).Kind.ShouldBe(MessageKind.Request);
    }

    [Theory]
    [InlineData("""{"jsonrpc":"2.0","id":"a","method":"ping"}""", MessageKind.Request)]
    [InlineData("""{"jsonrpc":"2.0","id":123456789012345678901234567890,"method":"ping"}""", MessageKind.Request)]
    [InlineData("""{"jsonrpc":"2.0","method":"notifications/initialized"}""", MessageKind.Notification)]
    [InlineData("""{"jsonrpc":"2.0","id":1,"result":{}}""", MessageKind.Result)]
    [InlineData("""{"jsonrpc":"2.0","id":1,"result":null}""", MessageKind.Result)]
    [InlineData("""{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"no"}}""", MessageKind.Error)]
    [InlineData("""{"jsonrpc":"2.0","id":null,"error":{"code":-1,"message":"no"}}""", MessageKind.Error)]
    [InlineData("""{"jsonrpc":"2.0","error":{"code":-1,"message":"no"}}""", MessageKind.Error)]
    public void Scan_Tells_WhatAMessageIs(string message, object kind) => Scan(message).Kind.ShouldBe((MessageKind)kind);

    [Theory]
    [InlineData("tools/call", McpMethod.ToolsCall)]
    [InlineData("""tools\/call""", McpMethod.ToolsCall)]
    [InlineData("server/discover", McpMethod.Discover)]
    [InlineData("Tools/Call", McpMethod.Other)]
    [InlineData("prompts/get", McpMethod.PromptsGet)]
    [InlineData("vendor/method", McpMethod.Other)]
    public void Scan_KnowsAMethod_HoweverItIsEscaped(string method, object expected)
    {
        var message = $$"""{"jsonrpc":"2.0","id":1,"method":"{{method}}"}""";

        var shape = Scan(message);

        shape.Method.ShouldBe((McpMethod)expected);
        JsonText.Read(shape.MethodName.Of(Encoding.UTF8.GetBytes(message))).ShouldBe(method.Replace("\\/", "/", StringComparison.Ordinal));
    }

    /// <summary>Every order of the members gives the same parts.</summary>
    [Fact]
    public void Scan_FindsEveryPart_WhateverTheOrderOfMembers()
    {
        string[] members =
        [
            "\"jsonrpc\" : \"2.0\"",
            "\"id\":\"ä\\\"\\u0041\"",
            "\"method\":\t\"tools/call\"",
            "\"params\": " + """{"arguments":{"id":1,"name":[{"_meta":1}]}, "name" : "é__x\n", "uri":"file:///a", "_meta":{"x":{"progressToken":9},"progressToken": 1e400 ,"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}""",
            "\"unknown\":[{\"id\":1},{\"method\":\"x\"}]",
        ];
        foreach (var order in Permutations(members))
        {
            var text = $"  {{ {string.Join(" ,\r\n ", order)} }}\n";
            var bytes = Encoding.UTF8.GetBytes(text);
            var shape = MessageScanner.Scan(bytes);

            string At(ByteRange range) => Encoding.UTF8.GetString(range.Of(bytes));
            shape.Kind.ShouldBe(MessageKind.Request);
            shape.Method.ShouldBe(McpMethod.ToolsCall);
            At(shape.Id).ShouldBe("\"ä\\\"\\u0041\"");
            At(shape.MethodName).ShouldBe("\"tools/call\"");
            At(shape.Name).ShouldBe("\"é__x\\n\"");
            At(shape.Uri).ShouldBe("\"file:///a\"");
            At(shape.AskedProgressToken).ShouldBe("1e400");
            At(shape.EnvelopeVersion).ShouldBe("\"2026-07-28\"");
            At(shape.Params).ShouldStartWith("{\"arguments\"");
            At(shape.Params).ShouldEndWith("}}");
            At(shape.Meta).ShouldStartWith("{\"x\"");
            bytes[shape.Close].ShouldBe((byte)'}');
            text[(Encoding.UTF8.GetString(bytes[..shape.Close]).Length + 1)..].ShouldBe("\n");
        }
    }

    [Fact]
    public void Scan_FindsPartsOfNotificationsAndAnswers()
    {
        var progress = """{"method":"notifications/progress","params":{"progress":0.5,"progressToken":"p"},"jsonrpc":"2.0"}""";
        var shape = Scan(progress);
        shape.Method.ShouldBe(McpMethod.Progress);
        Encoding.UTF8.GetString(shape.ProgressToken.Of(Encoding.UTF8.GetBytes(progress))).ShouldBe("\"p\"");

        var cancelled = """{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"reason":"x","requestId":42}}""";
        Encoding.UTF8.GetString(Scan(cancelled).RequestId.Of(Encoding.UTF8.GetBytes(cancelled))).ShouldBe("42");

        var result = """{"result":{"content":[],"resultType":"complete","_meta":{"a":1}},"id":5,"jsonrpc":"2.0"}""";
        shape = Scan(result);
        Encoding.UTF8.GetString(shape.ResultType.Of(Encoding.UTF8.GetBytes(result))).ShouldBe("\"complete\"");
        Encoding.UTF8.GetString(shape.Meta.Of(Encoding.UTF8.GetBytes(result))).ShouldBe("{\"a\":1}");

        Scan("""{"error":{"message":"no","code":-32601,"data":{"code":7}},"id":5,"jsonrpc":"2.0"}""").ErrorCode.ShouldBe(-32601);
        Scan("""{"error":{"code":{"code":3}},"id":5,"jsonrpc":"2.0"}""").ErrorCode.ShouldBe(0);
        Scan("""{"error":"text","id":5,"jsonrpc":"2.0"}""").Kind.ShouldBe(MessageKind.Error);
    }

    [Fact]
    public void Scan_FindsWhatTravelsBetweenTheEras()
    {
        const string retry = """{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"x","inputResponses":{"a":{}},"requestState":"s","_meta":{"io.modelcontextprotocol/clientCapabilities":{"sampling":{}},"io.modelcontextprotocol/logLevel":"info"}}}""";
        const string told = """{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a:b","_meta":{"io.modelcontextprotocol/subscriptionId":"7"}}}""";
        const string log = """{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"error","data":1}}""";
        const string hello = """{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"roots":{}}}}""";

        At(retry, shape => shape.InputResponses).ShouldBe("""{"a":{}}""");
        At(retry, shape => shape.RequestState).ShouldBe("\"s\"");
        At(retry, shape => shape.EnvelopeCapabilities).ShouldBe("""{"sampling":{}}""");
        At(retry, shape => shape.EnvelopeLogLevel).ShouldBe("\"info\"");
        At(told, shape => shape.SubscriptionId).ShouldBe("\"7\"");
        At(log, shape => shape.Level).ShouldBe("\"error\"");
        At(hello, shape => shape.InitializeCapabilities).ShouldBe("""{"roots":{}}""");

        static string At(string message, Func<MessageShape, ByteRange> part) => Encoding.UTF8.GetString(part(Scan(message)).Of(Encoding.UTF8.GetBytes(message)));
    }

    [Fact]
    public async Task ReadAsync_DropsAByteOrderMark_SoThatTheMessageIsTaken()
    {
        using var stream = new MemoryStream([0xEF, 0xBB, 0xBF, .. """{"jsonrpc":"2.0","id":1,"method":"ping"}"""u8]);

        using var buffer = await MessageBuffer.ReadAsync(stream, 1000, TestContext.Current.CancellationToken);

        MessageScanner.Scan(buffer.Span).Kind.ShouldBe(MessageKind.Request);
    }

    [Fact]
    public async Task ReadAsync_Refuses_WhatIsLargerThanTheLimit()
    {
        using var exact = new MemoryStream(new byte[5000]);
        using var over = new MemoryStream(new byte[5001]);

        using var taken = await MessageBuffer.ReadAsync(exact, 5000, TestContext.Current.CancellationToken);
        taken.Length.ShouldBe(5000);
        await Should.ThrowAsync<MessageTooLargeException>(async () => await MessageBuffer.ReadAsync(over, 5000, TestContext.Current.CancellationToken));
    }

    private static MessageShape Scan(string message) => MessageScanner.Scan(Encoding.UTF8.GetBytes(message));

    private static IEnumerable<string[]> Permutations(string[] items) => items.Length <= 1
        ? [items]
        : items.SelectMany((item, i) => Permutations([.. items[..i], .. items[(i + 1)..]]).Select(rest => (string[])[item, .. rest]));
}
