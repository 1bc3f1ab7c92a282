using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;

namespace McpGateway.Tests.Wire;

/// <summary>What a child process has started ends with it, and what it says reaches people without its secrets.</summary>
public sealed class ChildGroupTests : IDisposable
{
    private const string Secret = "hunter2-hunter2";

    /// <summary>Ends with its input, or at the call of "die"; says its secret then, as it does at the start.</summary>
    private const string Server = """
        echo "starting with $TOKEN" >&2
        while IFS= read -r line; do
          id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
          case "$line" in
            *'"server/discover"'*) printf '{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"no"}}\n' "$id" ;;
            *'"initialize"'*) printf '{"jsonrpc":"2.0","id":%s,"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"sh","version":"1"}}}\n' "$id" ;;
            *'"tools/list"'*) printf '{"jsonrpc":"2.0","id":%s,"result":{"tools":[{"name":"die","inputSchema":{"type":"object"}}]}}\n' "$id" ;;
            *'"die"'*) echo "fatal: $TOKEN is refused" >&2; echo >&2; exit 9 ;;
          esac
        done
        """;

    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("")]
    [InlineData("trap '' TERM HUP INT; ")]
    public async Task Grandchild_EndsWithTheGateway_WhenTheChildHasLeftBefore(string before)
    {
        RequireGroups();
        await using var gateway = await StartAsync($"{before}sleep 300 & echo $! > {_directory.PathOf("pid")}; exec sh {_directory.PathOf("server.sh")}");
        await gateway.ReadyAsync("sh");
        var grandchild = Grandchild();
        IsAlive(grandchild).ShouldBeTrue();

        (await gateway.Service.StopAsync()).ShouldBe(0);

        await EndsAsync(grandchild);
    }

    [Fact]
    public async Task Grandchild_EndsWithAKilledGateway()
    {
        RequireGroups();
        await using var gateway = await StartAsync($"trap '' TERM HUP INT PIPE; sleep 300 & echo $! > {_directory.PathOf("pid")}; exec sh {_directory.PathOf("server.sh")}");
        await gateway.ReadyAsync("sh");
        var grandchild = Grandchild();
        IsAlive(grandchild).ShouldBeTrue();

        // The gateway alone, not its children.
        using (var process = Process.GetProcessById(gateway.Service.Id)) process.Kill();

        await EndsAsync(grandchild);
    }

    [Fact]
    public async Task Crash_IsSeenAtOnceAndTakesTheGrandchildAlong_WhenThatHoldsThePipes()
    {
        RequireGroups();
        await using var gateway = await StartAsync($"sleep 300 & echo $! > {_directory.PathOf("pid")}; exec sh {_directory.PathOf("server.sh")}");
        await gateway.ReadyAsync("sh");
        var grandchild = Grandchild();

        var died = await gateway.ModernCallAsync("/mcp", "sh__die");

        died.ErrorCode.ShouldBe(-32051, died.ToString());
        died.ErrorText!.ShouldContain("exit code 9");
        await EndsAsync(grandchild);
    }

    [Fact]
    public async Task Crash_IsExplainedByTheLastWords_AndNoSecretIsSaidAnywhere()
    {
        await using var gateway = await StartAsync($"exec sh {_directory.PathOf("server.sh")}");
        await gateway.ReadyAsync("sh");
        await gateway.Service.WaitForLineAsync("starting with ***");

        var died = await gateway.ModernCallAsync("/mcp", "sh__die");

        died.ErrorText!.ShouldContain("The process ended with exit code 9. Its last words: fatal: *** is refused");
        await gateway.Service.WaitForLineAsync("fatal: *** is refused");
        var report = (await gateway.ReportAsync("sh")).ToJsonString();
        report.ShouldContain("fatal: ***");
        report.ShouldNotContain(Secret);
        gateway.Service.Output.ShouldNotContain(line => line.Contains(Secret, StringComparison.Ordinal));
    }

    [Fact]
    public async Task RefusedHandshake_IsQuotedWithoutTheSecretThatAVariableBrought()
    {
        _directory.Write("server.sh", """
            while IFS= read -r line; do
              id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
              printf '{"jsonrpc":"2.0","id":%s,"error":{"code":-32000,"message":"The key %s is not known."}}\n' "$id" "$1"
            done
            """);
        var entry = new JsonObject { ["command"] = "sh", ["args"] = new JsonArray(_directory.PathOf("server.sh"), "${SOME_KEY}") };
        await using var gateway = await GatewayProcess.StartAsync(_directory, ownsDirectory: false, new Dictionary<string, string?> { ["SOME_KEY"] = Secret }, $"\"sh\": {entry.ToJsonString()}");

        var report = await Eventually.SeesAsync(() => gateway.ReportAsync("sh"), report => report["state"]!.GetValue<string>() == "down");

        report["last_failure"]!.GetValue<string>().ShouldContain("The key *** is not known.");
        report.ToJsonString().ShouldNotContain(Secret);
        gateway.Service.Output.ShouldNotContain(line => line.Contains(Secret, StringComparison.Ordinal));
    }

    private Task<GatewayProcess> StartAsync(string command)
    {
        _directory.Write("server.sh", Server);
        var entry = new JsonObject { ["command"] = "sh", ["args"] = new JsonArray("-c", command), ["env"] = new JsonObject { ["TOKEN"] = "${SOME_SECRET}" }, ["pool"] = new JsonObject { ["max"] = 1 } };
        return GatewayProcess.StartAsync(_directory, ownsDirectory: false, new Dictionary<string, string?> { ["SOME_SECRET"] = Secret }, $"\"sh\": {entry.ToJsonString()}");
    }

    private int Grandchild() => int.Parse(File.ReadAllText(_directory.PathOf("pid")), CultureInfo.InvariantCulture);

    private static async Task EndsAsync(int process)
    {
        try
        {
            await Eventually.HoldsAsync(() => !IsAlive(process));
        }
        finally
        {
            if (IsAlive(process)) Process.GetProcessById(process).Kill();
        }
    }

    private static void RequireGroups()
    {
        if (!OperatingSystem.IsLinux() || !File.Exists("/usr/bin/setsid")) Requires.Missing("Needs Linux with setsid of util-linux, by which a child leads a group.");
    }

    private static bool IsAlive(int process)
    {
        try
        {
            // A zombie that nobody has waited for is dead too.
            return !File.ReadAllText($"/proc/{process}/stat").Split(") ")[1].StartsWith('Z');
        }
        catch (IOException)
        {
            return false;
        }
    }
}
