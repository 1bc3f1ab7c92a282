using System.Text.Json.Nodes;

namespace McpGateway.Tests.Wire;

public sealed class StdioTests
{
    /// <summary>A server of a few lines that anybody's shell runs: it answers the handshake, and a call with its process id and environment.</summary>
    private const string Server = """
        while IFS= read -r line; do
          id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
          case "$line" in
            *'"server/discover"'*) printf '{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"no"}}\n' "$id" ;;
            *'"initialize"'*) printf '{"jsonrpc":"2.0","id":%s,"result":{"protocolVersion":"2024-11-05","capabilities":{"tools":{}},"serverInfo":{"name":"sh","version":"1"}}}\n' "$id" ;;
            *'"tools/list"'*) printf '{"jsonrpc":"2.0","id":%s,"result":{"tools":[{"name":"env","inputSchema":{"type":"object"}},{"name":"die","inputSchema":{"type":"object"}},{"name":"deafen","inputSchema":{"type":"object"}}]}}\n' "$id" ;;
            *'"die"'*) exit 9 ;;
            *'"deafen"'*) exec 0<&-; printf '{"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"text","text":"%s"}]}}\n' "$id" "$$"; exec sleep 60 ;;
            *'"tools/call"'*) printf '{"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"text","text":"%s %s"}]}}\n' "$id" "$$" "$(env | cut -d= -f1 | sort | tr '\n' ' ')" ;;
          esac
        done
        """;

    private static readonly string[] s_variablesOfTheShell = ["PWD", "OLDPWD", "SHLVL", "_"];

    [Fact]
    public async Task Child_KnowsFourVariablesAndItsOwn_AndEndsWithTheGateway()
    {
        using var directory = new TemporaryDirectory();
        await using var gateway = await StartAsync(directory);
        await gateway.ReadyAsync("sh");

        var reply = await gateway.ModernCallAsync("/mcp", "sh__env");

        var words = reply.Text!.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        words[1..].Except(s_variablesOfTheShell).ShouldBeSubsetOf(["PATH", "HOME", "LANG", "TMPDIR", "OWN"]);
        words.ShouldContain("OWN");
        (await gateway.Service.StopAsync()).ShouldBe(0);
        HasEnded(words[0]).ShouldBeTrue();
    }

    [Fact]
    public async Task Child_EndsByItself_WhenTheGatewayIsKilled()
    {
        using var directory = new TemporaryDirectory();
        await using var gateway = await StartAsync(directory);
        await gateway.ReadyAsync("sh");
        var child = (await gateway.ModernCallAsync("/mcp", "sh__env")).Text!.Split(' ')[0];
        HasEnded(child).ShouldBeFalse();

        using (var process = System.Diagnostics.Process.GetProcessById(gateway.Service.Id)) process.Kill();

        await Eventually.HoldsAsync(() => HasEnded(child));
    }

    [Fact]
    public async Task Child_ThatDiesWithinACall_IsReplaced_AndTheCallIsNotRepeated()
    {
        using var directory = new TemporaryDirectory();
        await using var gateway = await StartAsync(directory);
        await gateway.ReadyAsync("sh");

        var died = await gateway.ModernCallAsync("/mcp", "sh__die");
        var next = await gateway.ModernCallAsync("/mcp", "sh__env");

        died.ErrorCode.ShouldBe(-32051, died.ToString());
        died.ErrorText!.ShouldContain("exit code 9");
        next.Text.ShouldNotBeNull(next.ToString());
    }

    [Fact]
    public async Task Call_GoesToAnotherProcess_WhenTheFirstDoesNotReadAnyMore()
    {
        using var directory = new TemporaryDirectory();
        await using var gateway = await StartAsync(directory);
        await gateway.ReadyAsync("sh");
        var deaf = await gateway.ModernCallAsync("/mcp", "sh__deafen");

        var next = await gateway.ModernCallAsync("/mcp", "sh__env");

        next.Text.ShouldNotBeNull(next.ToString());
        next.Text.Split(' ')[0].ShouldNotBe(deaf.Text);
    }

    [Fact]
    public async Task BuiltInRepository_AnswersThroughTheGateway()
    {
        using var directory = new TemporaryDirectory();
        directory.Write("code/Greeter.cs", "public sealed class Greeter { public string Greet() => \"hello\"; }");
        directory.Write("mcp.json", """{ "mcpServers": {} }""");
        await using var service = await ServiceProcess.StartAsync("McpGateway",
            ["--Gateway:ConfigFile", directory.PathOf("mcp.json"), "--Storage:Directory", directory.FullPath, "--Repositories:mine:Path", directory.PathOf("code")]);
        var tools = await Eventually.SeesAsync(
            async () => JsonNode.Parse(await service.Client.GetStringAsync(new Uri("/upstreams/repository", UriKind.Relative)))!,
            report => report["state"]!.GetValue<string>() == "ready");

        tools["transport"]!.GetValue<string>().ShouldBe("stdio");
        tools["pool"]!["mode"]!.GetValue<string>().ShouldBe("shared");
        tools["tools"]!.GetValue<int>().ShouldBeGreaterThan(5);
    }

    private static Task<GatewayProcess> StartAsync(TemporaryDirectory directory)
    {
        var script = directory.Write("server.sh", Server);
        var entry = new JsonObject { ["command"] = "sh", ["args"] = new JsonArray(script), ["env"] = new JsonObject { ["OWN"] = "1" } };
        return GatewayProcess.StartAsync(directory, ownsDirectory: false, new Dictionary<string, string?> { ["SOME_SECRET"] = "x" }, $"\"sh\": {entry.ToJsonString()}");
    }

    private static bool HasEnded(string process)
    {
        try
        {
            using var found = System.Diagnostics.Process.GetProcessById(int.Parse(process, System.Globalization.CultureInfo.InvariantCulture));
            return found.HasExited;
        }
        catch (ArgumentException)
        {
            return true;
        }
    }
}
