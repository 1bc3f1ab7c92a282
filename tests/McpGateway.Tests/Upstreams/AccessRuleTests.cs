using McpGateway.Calls.Lists;
using McpGateway.Upstreams;

namespace McpGateway.Tests.Upstreams;

public sealed class AccessRuleTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("""{ "allow": ["a*"] }""", "abc", true)]
    [InlineData("""{ "allow": ["a*"] }""", "Abc", false)]
    [InlineData("""{ "allow": ["a?c"], "deny": ["abc"] }""", "abc", false)]
    [InlineData("""{ "allow": ["a?c"], "deny": ["abc"] }""", "axc", true)]
    [InlineData("""{ "deny": ["a\\*"] }""", "ab", true)]
    [InlineData("""{ "deny": ["a\\*"] }""", "a*", false)]
    [InlineData("""{ "allow": [] }""", "a", false)]
    [InlineData("""{ "allow": { "prompts": [] } }""", "a", true)]
    [InlineData("""{ "allow": { "tools": ["b"] } }""", "a", false)]
    [InlineData("{ }", "a", true)]
    public void Allows_WhatAnAllowPatternFits_AndNoDenyPattern(string rule, string tool, bool expected)
    {
        var access = Read(rule[1..^1].Trim()).Access;

        access.Allows(ListKind.Tools, tool).ShouldBe(expected);
    }

    [Fact]
    public void Fingerprint_ChangesWithTheRule_AndNotWithout()
    {
        Read("").Fingerprint.ShouldBe(Read("").Fingerprint);
        Read("\"allow\": [\"a\"]").Fingerprint.ShouldNotBe(Read("").Fingerprint);
        Read("\"allow\": [\"a\"]").Fingerprint.ShouldNotBe(Read("\"deny\": [\"a\"]").Fingerprint);
    }

    [Fact]
    public void Read_NamesEveryError_OfFileAndCallersAtOnce()
    {
        _directory.Write("mcp.json", """
            { "mcpServers": { "a": { "url": "http://h/", "allow": "x", "deny": { "tols": ["x"], "tools": [7, ""] } }, "off": { "disabled": true } } }
            """);
        var configuration = TestEnvironment.Configuration(
            ("Repositories:self:Path", null),
            ("Gateway:Callers:*:b:allow:0", "x"), ("Gateway:Callers:*:off:deny:0", "*"), ("Gateway:Callers:bob:a:alow:0", "x"), ("Gateway:Callers:ann", "x"));

        var options = new GatewayOptions { Callers = CallerRules.Read(configuration) }.Check().ToArray();
        var source = Should.Throw<GatewayConfigurationException>(() => new UpstreamSource(configuration, new TestEnvironment(_directory.FullPath)).Read()).Failures.ToArray();

        options.ShouldContain(error => error.StartsWith("Gateway:Callers:bob:a:alow is not known", StringComparison.Ordinal));
        options.ShouldContain(error => error.StartsWith("Gateway:Callers:ann names no upstream", StringComparison.Ordinal));
        source.ShouldContain(error => error.Contains("\"allow\" is \"x\"", StringComparison.Ordinal));
        source.ShouldContain(error => error.Contains("\"tols\"", StringComparison.Ordinal));
        source.Count(error => error.Contains("\"deny\".tools[", StringComparison.Ordinal)).ShouldBe(1);
        source.ShouldContain(error => error.StartsWith("Gateway:Callers:*:b: there is no upstream 'b'; there are a, off", StringComparison.Ordinal));
        source.ShouldNotContain(error => error.Contains(":off:", StringComparison.Ordinal));
    }

    private UpstreamConfig Read(string members)
    {
        _directory.Write("mcp.json", $$"""{ "mcpServers": { "a": { "url": "http://h/"{{(members.Length > 0 ? "," : "")}} {{members}} } } }""");
        return new UpstreamSource(TestEnvironment.Configuration(), new TestEnvironment(_directory.FullPath)).Read()["a"];
    }
}
