using System.Collections.Immutable;
using System.Text;
using McpGateway.Calls.Lists;
using McpGateway.Endpoints;
using McpGateway.Protocol;

namespace McpGateway.Tests.Endpoints;

public sealed class ParameterHeadersTests
{
    private static readonly ImmutableArray<ListEntry> s_tools =
    [
        Tool("plain", """{"type":"object","properties":{"region":{"type":"string"}}}"""),
        Tool("query", """
            {"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"},"limit":{"type":"integer","x-mcp-header":"Limit"},
             "where":{"type":"object","properties":{"dry":{"type":"boolean","x-mcp-header":"Dry"}}},"list":{"type":"array","items":{"x-mcp-header":"Never"}}}}
            """),
    ];

    [Theory]
    [InlineData("plain", """{"region":"us"}""", "")]
    [InlineData("unknown", """{"region":"us"}""", "")]
    [InlineData("query", "{}", "")]
    [InlineData("query", """{"region":null}""", "")]
    [InlineData("query", """{"region":"us west"}""", "Region=us west")]
    [InlineData("query", """{"region":"us"}""", "REGION=us")]
    [InlineData("query", """{"region":"süd"}""", "Region==?base64?c8O8ZA==?=")]
    [InlineData("query", """{"limit":42}""", "Limit=42.0")]
    [InlineData("query", """{"where":{"dry":true},"list":[1]}""", "Dry=true")]
    public void Headers_ThatSayWhatTheArgumentsSay_Pass(string tool, string arguments, string headers) => Check(tool, arguments, headers).ShouldBeNull();

    [Theory]
    [InlineData("""{"region":"us"}""", "")]
    [InlineData("""{"region":"us"}""", "Region=eu")]
    [InlineData("""{"region":"us"}""", "Region=US")]
    [InlineData("""{"region":"us"}""", "Region==?base64?!!?=")]
    [InlineData("""{"limit":42}""", "Limit=43")]
    [InlineData("""{"where":{"dry":true}}""", "Dry=false")]
    [InlineData("{}", "Region=us")]
    public void Headers_ThatSayAnotherThing_AreAMismatch(string arguments, string headers)
    {
        var error = Check("query", arguments, headers)!;
        (error.Code, error.Status).ShouldBe((RpcErrorCode.HeaderMismatch, 400));
    }

    private static RpcError? Check(string tool, string arguments, string header)
    {
        KeyValuePair<string, string>[]? headers = header.Length == 0 ? null : [KeyValuePair.Create($"Mcp-Param-{header.Split('=', 2)[0]}", header.Split('=', 2)[1])];
        return ParameterHeaders.Check(s_tools.FirstOrDefault(known => known.Name == tool), Encoding.UTF8.GetBytes($"{{\"name\":\"{tool}\",\"arguments\":{arguments}}}"), headers);
    }

    private static ListEntry Tool(string name, string schema) =>
        new(name, name, Encoding.UTF8.GetBytes($"{{\"name\":\"{name}\",\"inputSchema\":{schema}}}"), new ByteRange(8, 10 + name.Length));
}
