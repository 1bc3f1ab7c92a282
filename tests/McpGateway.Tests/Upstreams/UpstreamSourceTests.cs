using System.Collections.Immutable;
using McpGateway.Sessions;
using McpGateway.Upstreams;

namespace McpGateway.Tests.Upstreams;

public sealed class UpstreamSourceTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Read_TakesTheFileClientsHave_WithCommentsAndMembersItDoesNotKnow()
    {
        var upstreams = Read("""
            // from another client
            { "$schema": "x", "inputs": [],
              "mcpServers": {
                "memory": { "command": "npx", "args": ["-y", "@modelcontextprotocol/server-memory", 3], "env": { "A": "1", "B": true },
                            "timeout": 60, "autoApprove": ["*"], "alwaysAllow": [], "icon": null },
                "docs":   { "url": "https://example.test/mcp?x=1", "headers": { "X-Team": "a b" }, "type": "streamable-http", },
                "old":    { "url": "http://127.0.0.1:8009/sse", "type": "sse", "disabled": false },
                "plain":  { "url": "http://127.0.0.1:8009/mcp" }, /* off */
                "off":    { "disabled": true, "command": 7 },
              } }
            """);

        upstreams.Keys.ShouldBe(["docs", "memory", "old", "plain"]);
        upstreams["memory"].Transport.ShouldBe(UpstreamTransport.Stdio);
        upstreams["memory"].Args.ShouldBe(["-y", "@modelcontextprotocol/server-memory", "3"]);
        upstreams["memory"].Env.ShouldBe(new Dictionary<string, string> { ["A"] = "1", ["B"] = "true" });
        upstreams["memory"].Pool.Max.ShouldBe(8);
        upstreams["memory"].WorkingDirectory.ShouldBe(_directory.FullPath);
        upstreams["docs"].Transport.ShouldBe(UpstreamTransport.Http);
        upstreams["docs"].Target.ShouldBe("https://example.test/mcp");
        upstreams["docs"].Headers["X-Team"].ShouldBe("a b");
        upstreams["docs"].Pool.Max.ShouldBe(64);
        upstreams["old"].Transport.ShouldBe(UpstreamTransport.Sse);
        upstreams["plain"].Transport.ShouldBe(UpstreamTransport.Auto);
    }

    [Theory]
    [InlineData("30", 30)]
    [InlineData("0.5", 0.5)]
    [InlineData("\"500ms\"", 0.5)]
    [InlineData("\"45s\"", 45)]
    [InlineData("\"1.5m\"", 90)]
    [InlineData("\"00:01:30\"", 90)]
    [InlineData("\"12\"", 12)]
    public void Read_TakesADuration_HoweverItIsSpelled(string duration, double seconds) =>
        Read($$"""{ "mcpServers": { "a": { "url": "http://h/", "pool": { "acquireTimeout": {{duration}}, "pinHold": 0 } } } }""")["a"].Pool.AcquireTimeout.TotalSeconds.ShouldBe(seconds);

    [Theory]
    [InlineData("", false)]
    [InlineData(""", "trusted": true""", true)]
    [InlineData(""", "trusted": "true" """, true)]
    [InlineData(""", "trusted": false""", false)]
    public void Read_TrustsAnUpstream_OnlyWhereTheOperatorSaysSo(string member, bool trusted) =>
        Read($$"""{ "mcpServers": { "a": { "url": "http://h/"{{member}} } } }""")["a"].Trusted.ShouldBe(trusted);

    [Theory]
    [InlineData("", false)]
    [InlineData(""", "roots": true""", true)]
    public void Read_LetsAnUpstreamSeeRoots_OnlyWhereTheOperatorSaysSo(string member, bool roots)
    {
        var config = Read($$"""{ "mcpServers": { "a": { "url": "http://h/"{{member}} } } }""")["a"];

        config.Roots.ShouldBe(roots);
        (config.Fingerprint == Read("""{ "mcpServers": { "a": { "url": "http://h/" } } }""")["a"].Fingerprint).ShouldBe(!roots);
    }

    [Fact]
    public void Trust_MakesAnotherConfiguration_SoThatItHoldsFromTheReloadOn()
    {
        var (doubted, trusted) = (Read("""{ "mcpServers": { "a": { "url": "http://h/" } } }""")["a"], Read("""{ "mcpServers": { "a": { "url": "http://h/", "trusted": true } } }""")["a"]);

        trusted.Fingerprint.ShouldNotBe(doubted.Fingerprint);
    }

    [Fact]
    public void Read_TakesEveryPoolOption()
    {
        var pool = Read("""
            { "mcpServers": { "a": { "command": "x", "pool": { "mode": "single-use", "minIdle": 2, "max": 3, "maxWaiting": 4, "acquireTimeout": 5, "pinHold": "1500ms", "maxLifetime": "10m",
              "idleTimeout": 7, "keepAlive": 9, "bypassWindow": 8, "openTimeout": 11, "callTimeout": "1h", "inputTimeout": "2m", "maxParked": 3 } } } }
            """)["a"].Pool;

        pool.ShouldBe(new PoolOptions
        {
            Mode = PoolMode.SingleUse, MinIdle = 2, Max = 3, MaxWaiting = 4, AcquireTimeout = TimeSpan.FromSeconds(5), PinHold = TimeSpan.FromSeconds(1.5), MaxLifetime = TimeSpan.FromMinutes(10),
            IdleTimeout = TimeSpan.FromSeconds(7), KeepAlive = TimeSpan.FromSeconds(9), BypassWindow = TimeSpan.FromSeconds(8), OpenTimeout = TimeSpan.FromSeconds(11), CallTimeout = TimeSpan.FromHours(1), InputTimeout = TimeSpan.FromMinutes(2), MaxParked = 3,
        });
    }

    [Theory]
    [InlineData("""{ "command": "x", "url": "http://h/" }""", "not both")]
    [InlineData("{ }", "needs either \"command\"")]
    [InlineData("7", "must be an object")]
    [InlineData("""{ "command": "" }""", "\"command\" must be a text that is not empty")]
    [InlineData("""{ "command": ["x"] }""", "\"command\" must be a text")]
    [InlineData("""{ "command": "x", "args": "y" }""", "\"args\" must be an array of texts")]
    [InlineData("""{ "command": "x", "args": [{}] }""", "args[0] must be a text")]
    [InlineData("""{ "command": "x", "env": ["y"] }""", "\"env\" must be an object of texts")]
    [InlineData("""{ "command": "x", "env": { "A": null } }""", "env.A must be a text")]
    [InlineData("""{ "command": "x", "cwd": "nowhere" }""", "nowhere does not exist")]
    [InlineData("""{ "command": "x", "type": "http" }""", "type \"http\" goes with \"url\"")]
    [InlineData("""{ "command": "x", "args": ["${NO_SUCH_VARIABLE_HERE}"] }""", "args[0] uses ${NO_SUCH_VARIABLE_HERE}")]
    [InlineData("""{ "url": "http://h/", "type": "stdio" }""", "type \"stdio\" goes with \"command\"")]
    [InlineData("""{ "url": "http://h/", "type": "ws" }""", "type \"ws\" is not known")]
    [InlineData("""{ "url": "ftp://h/" }""", "\"url\" must be an absolute http or https address")]
    [InlineData("""{ "url": "/mcp" }""", "\"url\" must be an absolute http or https address")]
    [InlineData("""{ "url": "http://me:secret@h/" }""", "put the credential under \"headers\"")]
    [InlineData("""{ "url": "http://h/", "headers": { "Not a name": "x" } }""", "headers.Not a name is no name")]
    [InlineData("""{ "url": "http://h/", "headers": { "X": "a\nb" } }""", "headers.X holds a line end")]
    [InlineData("""{ "url": "http://h/", "trusted": "perhaps" }""", "\"trusted\" is \"perhaps\"; it must be true or false")]
    [InlineData("""{ "url": "http://h/", "roots": "some" }""", "\"roots\" is \"some\"; it must be true or false")]
    [InlineData("""{ "url": "http://h/", "disabled": "maybe" }""", "\"disabled\" is \"maybe\"; it must be true or false")]
    [InlineData("""{ "url": "http://h/", "pool": { "maxParked": 5, "max": 2 } }""", "pool.maxParked is 5, more than pool.max (2)")]
    [InlineData("""{ "url": "http://h/", "trusted": 1 }""", "\"trusted\" is 1; it must be true or false")]
    [InlineData("""{ "url": "http://h/", "pool": 3 }""", "\"pool\" must be an object")]
    [InlineData("""{ "url": "http://h/", "pool": { "size": 3 } }""", "pool.size is not known; known are mode")]
    [InlineData("""{ "url": "http://h/", "pool": { "mode": "fast" } }""", "pool.mode is \"fast\"; use auto")]
    [InlineData("""{ "url": "http://h/", "pool": { "max": "many" } }""", "pool.max is \"many\"; it must be a whole number")]
    [InlineData("""{ "url": "http://h/", "pool": { "max": null } }""", "pool.max is null")]
    [InlineData("""{ "url": "http://h/", "pool": { "keepAlive": "soon" } }""", "pool.keepAlive is \"soon\"; give seconds")]
    [InlineData("""{ "url": "http://h/", "pool": { "keepAlive": -5 } }""", "pool.keepAlive is -5; give seconds")]
    [InlineData("""{ "url": "http://h/", "pool": { "keepAlive": "99999999999999999999h" } }""", "pool.keepAlive is \"99999999999999999999h\"; give seconds")]
    [InlineData("""{ "url": "http://h/", "pool": { "callTimeout": "1000h" } }""", "pool.callTimeout is 3600000 s; it must be 1 s to 86400 s")]
    [InlineData("""{ "url": "http://h/", "pool": { "minIdle": 9, "max": 3 } }""", "more than pool.max (3)")]
    public void Read_NamesWhatIsWrong_InOneUpstream(string server, string error)
    {
        var errors = Errors($$"""{ "mcpServers": { "up": {{server}} } }""");

        errors.Length.ShouldBe(1);
        errors[0].ShouldStartWith($"{_directory.PathOf("mcp.json")}: up");
        errors[0].ShouldContain(error);
    }

    [Theory]
    [InlineData("a__b")]
    [InlineData("with space")]
    [InlineData("")]
    [InlineData("a/b")]
    [InlineData("ünderscore")]
    [InlineData("a-name-of-more-than-thirty-two-chars")]
    public void Read_RefusesAName_ThatCannotBePartOfAToolsName(string name) =>
        Errors($$"""{ "mcpServers": { "{{name}}": { "command": "x" } } }""").ShouldHaveSingleItem().ShouldContain("the name must be 1 to 32");

    [Theory]
    [InlineData("{", "is not valid JSON")]
    [InlineData("[]", "must be an object with the member \"mcpServers\"")]
    [InlineData("{}", "must be an object with the member \"mcpServers\"")]
    [InlineData("""{ "mcpServers": [] }""", "must be an object with the member \"mcpServers\"")]
    [InlineData("""{ "mcpServers": { "a": { "url": "http://h/", "url": "http://i/" } } }""", "mcpServers.a.url is there twice")]
    [InlineData("""{ "mcpServers": { "a": { "command": "x" }, "a": { "command": "y" } } }""", "mcpServers.a is there twice")]
    public void Read_NamesTheFile_WhenItCannotBeRead(string file, string error) => Errors(file).ShouldHaveSingleItem().ShouldContain($"{_directory.PathOf("mcp.json")}: {error}");

    [Fact]
    public void Read_ReportsAllErrorsAtOnce_OfFileAndConfiguration()
    {
        _directory.Write("mcp.json", """{ "mcpServers": { "one": { "url": "x", "pool": { "max": 0, "minIdle": -1 } }, "two": { "command": 1 } } }""");

        var errors = Should.Throw<GatewayConfigurationException>(() => Source(("Gateway:Upstreams:three:type", "x"), ("Repositories:r:Path", "/no/such/place")).Read()).Failures.ToArray();

        errors.Length.ShouldBe(7, string.Join('\n', errors));
        errors[0].ShouldContain("Repositories:r:Path is /no/such/place, which does not exist");
        errors[1].ShouldStartWith("Gateway:Upstreams: three: type \"x\"");
    }

    [Fact]
    public void Read_NamesAMemberThatIsThereTwice_BesideWhatElseIsWrong()
    {
        var errors = Errors("""{ "mcpServers": { "one": { "url": "ftp://h/" }, "two": { "command": "x", "env": { "A": "1", "A": "2" } } } }""");

        errors.Length.ShouldBe(2, string.Join('\n', errors));
        errors.ShouldContain(error => error.Contains("mcpServers.two.env.A is there twice", StringComparison.Ordinal));
        errors.ShouldContain(error => error.Contains("one: \"url\" must be an absolute", StringComparison.Ordinal));
    }

    [Fact]
    public void Read_RefusesTwoNames_ThatDifferInLetterCaseAlone() =>
        Errors("""{ "mcpServers": { "a": { "command": "x" }, "A": { "command": "y" }, "b": { "command": "z" } } }""").ShouldHaveSingleItem().ShouldStartWith("The upstreams 'A' and 'a' differ in letter case alone");

    [Fact]
    public void Read_SaysThatThereIsNone_WhenACallerRuleNamesAnUpstream() =>
        Should.Throw<GatewayConfigurationException>(() => Source(("Gateway:Callers:*:nope:allow:0", "x")).Read()).Failures.ShouldHaveSingleItem().ShouldContain("there is no upstream 'nope'; there is none at all. Correct the name");

    [Fact]
    public void Read_PutsVariablesIn_AndNeverShowsThem()
    {
        Environment.SetEnvironmentVariable("UPSTREAM_SOURCE_TEST_TOKEN", "s3cret");

        var config = Read("""{ "mcpServers": { "a": { "url": "http://h/${UPSTREAM_SOURCE_TEST_TOKEN}", "headers": { "Authorization": "Bearer ${UPSTREAM_SOURCE_TEST_TOKEN}", "X": "$UPSTREAM ${} ${1}" } } } }""")["a"];

        config.Headers["Authorization"].ShouldBe("Bearer s3cret");
        config.Headers["X"].ShouldBe("$UPSTREAM ${} ${1}");
        config.Url!.AbsolutePath.ShouldBe("/s3cret");
        config.Fingerprint.ShouldNotContain("s3cret");
    }

    [Fact]
    public void Read_TakesConfiguration_AsItTakesTheFile()
    {
        var config = Source(
            ("Gateway:Upstreams:db:command", "run"), ("Gateway:Upstreams:db:args:0", "a"), ("Gateway:Upstreams:db:args:1", "b"), ("Gateway:Upstreams:db:env:LEVEL", "3"),
            ("Gateway:Upstreams:db:pool:max", "2"), ("Gateway:Upstreams:WEB:URL", "http://h/"), ("Gateway:Upstreams:WEB:args", "")).Read();

        config["db"].Args.ShouldBe(["a", "b"]);
        config["db"].Env["LEVEL"].ShouldBe("3");
        config["db"].Pool.Max.ShouldBe(2);
        config["WEB"].Url.ShouldBe(new Uri("http://h/"));
    }

    [Fact]
    public void Read_TakesElevenArguments_InTheirOrder()
    {
        var arguments = Enumerable.Range(0, 11).Select(i => ($"Gateway:Upstreams:db:args:{i}", (string?)$"a{i}"));

        Source([("Gateway:Upstreams:db:command", "run"), .. arguments]).Read()["db"].Args.ShouldBe(Enumerable.Range(0, 11).Select(i => $"a{i}"));
    }

    [Fact]
    public void Read_LetsTheFileReplaceConfiguration_AndSwitchOff()
    {
        _directory.Write("mcp.json", """{ "mcpServers": { "a": { "url": "http://file/" }, "b": { "disabled": true } } }""");

        var upstreams = Source(("Gateway:Upstreams:a:url", "http://configuration/"), ("Gateway:Upstreams:b:url", "http://configuration/")).Read();

        upstreams.ShouldHaveSingleItem().Value.Url.ShouldBe(new Uri("http://file/"));
    }

    [Fact]
    public void Read_HasNoUpstreams_WhenTheDefaultFileIsMissing() => Source().Read().ShouldBeEmpty();

    [Fact]
    public void Read_RefusesAMissingFile_ThatIsNamed() =>
        Should.Throw<GatewayConfigurationException>(() => Source(("Gateway:ConfigFile", "other.json")).Read()).Message.ShouldContain("Gateway:ConfigFile names");

    [Fact]
    public void Fingerprint_ChangesWithEverything_ThatDecidesWhatTheUpstreamIs()
    {
        string[] servers =
        [
            """{ "url": "http://h/" }""", """{ "url": "http://h/a" }""", """{ "url": "http://h/", "type": "http" }""", """{ "url": "http://h/", "headers": { "A": "1" } }""",
            """{ "url": "http://h/", "headers": { "A": "2" } }""", """{ "url": "http://h/", "pool": { "max": 5 } }""", """{ "command": "x" }""", """{ "command": "x", "args": ["1"] }""", """{ "command": "x", "env": { "A": "1" } }""",
        ];

        servers.Select(server => Read($$"""{ "mcpServers": { "a": {{server}} } }""")["a"].Fingerprint).Distinct().Count().ShouldBe(servers.Length);
        Read("""{ "mcpServers": { "a": { "url": "http://h/", "note": 1 } } }""")["a"].Fingerprint.ShouldBe(Read("""{ "mcpServers": { "a": { "url": "http://h/" } } }""")["a"].Fingerprint);
    }

    private ImmutableSortedDictionary<string, UpstreamConfig> Read(string file)
    {
        _directory.Write("mcp.json", file);
        return Source().Read();
    }

    private string[] Errors(string file) => [.. Should.Throw<GatewayConfigurationException>(() => Read(file)).Failures];

    private UpstreamSource Source(params (string, string?)[] configuration) => new(TestEnvironment.Configuration(configuration), new TestEnvironment(_directory.FullPath));
}
