using System.Text.Json.Nodes;
using McpGateway.Tests.Wire;
using Microsoft.AspNetCore.Http;

namespace McpGateway.Ledger.Tests;

/// <summary>
/// Gateways in processes of their own are killed (SIGKILL) or paused (SIGSTOP) before an upstream that accepts so many sessions at a time
/// and counts what it refuses. Where the owner's time is minutes, only the lock in the storage directory can tell that one is dead.
/// </summary>
public sealed class KillTests : IAsyncLifetime
{
    private const string Long = "00:05:00";

    private readonly RedisServer _server = new();
    private readonly TemporaryDirectory _directory = new();
    private readonly TemporaryDirectory _elsewhere = new();
    private readonly List<GatewayProcess> _gateways = [];
    private readonly string _keys = $"a:{Convert.ToBase64String(System.Security.Cryptography.RandomNumberGenerator.GetBytes(32))}";
    private ScriptedUpstream? _upstream;
    private int _allowed = int.MaxValue;
    private int _refused;

    private ScriptedUpstream Upstream => _upstream!;

    public async ValueTask InitializeAsync()
    {
        await _server.StartAsync();
        _upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        _upstream.Misbehave = RefuseAsync;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var gateway in _gateways) await gateway.DisposeAsync();
        if (_upstream is not null) await _upstream.DisposeAsync();
        await _server.DisposeAsync();
        _directory.Dispose();
        _elsewhere.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Restart_GoesOnWithAnUnusedSession_AtOnce(bool redis)
    {
        _allowed = 1;
        await KillAsync(await StartAsync(Long, redis, max: 1));

        var after = await StartAsync(Long, redis, max: 1);

        (await after.ModernCallAsync("/mcp/up", "echo", """{"text":"hello"}""")).Text.ShouldBe("hello");
        (Upstream.Count("initialize"), Upstream.Count("DELETE"), _refused).ShouldBe((1, 0, 0));
        (await TimelineAsync(after)).ShouldContain("session resumed: its gateway is dead");
    }

    /// <summary>With <c>max</c> 1 it is ended before another is asked for, be it by the opener or by the reaper; else the upstream's refusal says that it must be.</summary>
    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 1)]
    [InlineData(false, 64)]
    [InlineData(true, 64)]
    public async Task Restart_EndsAUsedSession_AndOpensAnother_AtOnce(bool redis, int max)
    {
        _allowed = 1;
        var before = await StartAsync(Long, redis, max);
        (await before.ModernCallAsync("/mcp/up", "remember", """{"value":"secret"}""", affinity: "run")).Text.ShouldBe("remembered");
        await KillAsync(before);

        var after = await StartAsync(Long, redis, max);

        (await after.ModernCallAsync("/mcp/up", "recall", affinity: "run")).Text.ShouldBe("");
        Upstream.OpenSessions.ShouldBe(1);
        Upstream.Count("DELETE").ShouldBe(1);
        // The reaper may be ending it just then; the upstream says so once at most, and that costs nobody a pause.
        if (max == 1) Volatile.Read(ref _refused).ShouldBeLessThanOrEqualTo(1);
    }

    /// <summary>With those of the dead gateway the upstream never has more than <c>max</c>.</summary>
    [Fact]
    public async Task Restart_OpensNoMoreThanMax_BesideWhatADeadGatewayLeft()
    {
        var most = 0;
        Upstream.Misbehave = (_, _) =>
        {
            most = Math.Max(most, Upstream.OpenSessions);
            return Task.FromResult(false);
        };
        var before = await StartAsync(Long, redis: false, max: 2);
        foreach (var run in new[] { "one", "two" }) (await before.ModernCallAsync("/mcp/up", "remember", """{"value":"x"}""", affinity: run)).Text.ShouldBe("remembered");
        Upstream.OpenSessions.ShouldBe(2);
        await KillAsync(before);

        var after = await StartAsync(Long, redis: false, max: 2);

        foreach (var run in new[] { "one", "two" }) (await after.ModernCallAsync("/mcp/up", "recall", affinity: run)).Text.ShouldBe("");
        most.ShouldBe(2);
    }

    /// <summary>Those of callers that are still to come are spared as far as somebody is served at all.</summary>
    [Fact]
    public async Task Start_EndsOneOfTheSessionsThatWaitForTheirCallers_WhereTheUpstreamRefusesAnother()
    {
        var before = await StartAsync(Long, redis: false, max: 3);
        foreach (var run in new[] { "one", "two", "three" }) (await before.ModernCallAsync("/mcp/up", "remember", $$"""{"value":"{{run}}"}""", affinity: run)).Text.ShouldBe("remembered");
        (await before.Service.StopAsync()).ShouldBe(0);
        // With all three parked nobody else could come.
        (Upstream.OpenSessions, Upstream.Count("DELETE")).ShouldBe((2, 1));
        _allowed = 2;

        var after = await StartAsync(Long, redis: false, max: 3);

        (await TimelineAsync(after)).ShouldContain("orphan ended");
        (await after.ModernCallAsync("/mcp/up", "recall", affinity: "three")).Text.ShouldBe("three");
        Upstream.Count("DELETE").ShouldBe(2);
    }

    /// <summary>A paused process may go on at any moment: its lock is held, and its session is its own.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Start_LeavesTheSessionsOfAPausedGatewayAlone(bool redis)
    {
        var paused = await StartAsync(Long, redis);
        paused.Service.Pause();

        var other = await StartAsync(Long, redis);
        (await other.ModernCallAsync("/mcp/up", "echo", """{"text":"other"}""")).Text.ShouldBe("other");
        paused.Service.Resume();

        (await paused.ModernCallAsync("/mcp/up", "echo", """{"text":"paused"}""")).Text.ShouldBe("paused");
        Upstream.Count("DELETE").ShouldBe(0);
        (await TimelineAsync(other)).ShouldNotContain("resumed");
        (await TimelineAsync(paused)).ShouldNotContain("closed");
    }

    /// <summary>Paused for longer than its time it has lost its sessions: awake again it ends none of them and calls on none of them.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Paused_ForTooLong_TouchesNothingThatIsAnothersNow(bool redis)
    {
        var paused = await StartAsync("00:00:02", redis);
        paused.Service.Pause();
        var other = await StartAsync("00:00:02", redis);
        await Eventually.SeesAsync(() => TimelineAsync(other), text => text.Contains("session resumed: its gateway is dead", StringComparison.Ordinal) || text.Contains("orphan reaped: its gateway is dead", StringComparison.Ordinal));
        (await other.ModernCallAsync("/mcp/up", "remember", """{"value":"theirs"}""", affinity: "run")).Text.ShouldBe("remembered");
        var ended = Upstream.Count("DELETE");

        paused.Service.Resume();
        (await Eventually.SeesAsync(() => paused.ModernCallAsync("/mcp/up", "recall"), reply => reply.Text is not null)).Text.ShouldBe("");

        (await other.ModernCallAsync("/mcp/up", "recall", affinity: "run")).Text.ShouldBe("theirs");
        Upstream.Count("DELETE").ShouldBe(ended);
    }

    [Fact]
    public async Task Successor_ElsewhereIsServed_OnceTheDeadOwnersTimeIsOver()
    {
        _allowed = 1;
        var before = await StartAsync("00:00:03", redis: true, max: 64);
        (await before.ModernCallAsync("/mcp/up", "remember", """{"value":"secret"}""", affinity: "run")).Text.ShouldBe("remembered");
        await KillAsync(before);

        var after = await StartAsync("00:00:03", redis: true, max: 64, _elsewhere);

        (await after.ModernCallAsync("/mcp/up", "recall", affinity: "run")).Text.ShouldBe("");
        Upstream.Count("DELETE").ShouldBe(1);
        (await TimelineAsync(after)).ShouldMatch("orphan (reaped|ended)");
    }

    [Fact]
    public async Task Lock_ThatKeepsNobodyOut_IsNoProof()
    {
        var unlocked = new Dictionary<string, string?> { ["DOTNET_SYSTEM_IO_DISABLEFILELOCKING"] = "1" };
        var first = await StartAsync(Long, redis: false, more: unlocked);
        await first.Service.WaitForLineAsync("No gateway can prove here that another has ended");

        var second = await StartAsync(Long, redis: false, more: unlocked);

        (await first.ModernCallAsync("/mcp/up", "echo", """{"text":"hello"}""")).Text.ShouldBe("hello");
        (await TimelineAsync(second)).ShouldNotContain("its gateway is dead");
        Directory.GetFiles(_directory.FullPath, "owner-*").ShouldBeEmpty();
    }

    private async Task<bool> RefuseAsync(HttpContext context, JsonNode? message)
    {
        if (message?["method"]?.GetValue<string>() != "initialize" || Upstream.OpenSessions < _allowed) return false;
        Interlocked.Increment(ref _refused);
        context.Response.StatusCode = 400;
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync("""{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid Request: Server already initialized"}}""");
        return true;
    }

    private async Task<GatewayProcess> StartAsync(string ownerTimeout, bool redis, int max = 64, TemporaryDirectory? directory = null, IReadOnlyDictionary<string, string?>? more = null)
    {
        var settings = new Dictionary<string, string?>(more ?? new Dictionary<string, string?>()) { ["Gateway__OwnerTimeout"] = ownerTimeout, ["Gateway__Keys"] = _keys };
        if (redis) settings["ConnectionStrings__cache"] = _server.Process.ConnectionString;
        var gateway = await GatewayProcess.StartAsync(directory ?? _directory, ownsDirectory: false, settings, GatewayProcess.Entry("up", Upstream.Url, $$""", "pool": { "max": {{max}} }"""));
        lock (_gateways) _gateways.Add(gateway);
        await gateway.ReadyAsync("up");
        return gateway;
    }

    private static async Task KillAsync(GatewayProcess gateway)
    {
        gateway.Service.Kill();
        await gateway.Service.WaitForExitAsync();
    }

    private static async Task<string> TimelineAsync(GatewayProcess gateway) =>
        string.Join('\n', (await gateway.ReportAsync("up"))["timeline"]!.AsArray().Select(item => $"{item!["what"]}: {item["reason"]}"));
}
