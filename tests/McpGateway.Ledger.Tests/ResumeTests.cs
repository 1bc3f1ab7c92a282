using System.Security.Cryptography;
using McpGateway.Tests.Wire;

namespace McpGateway.Ledger.Tests;

/// <summary>Gateways in processes of their own are stopped, killed and started again; what happens is counted at the upstream.</summary>
public abstract partial class ResumeTests : IAsyncLifetime
{
    private protected readonly TemporaryDirectory _directory = new();
    private readonly List<GatewayProcess> _gateways = [];
    private ScriptedUpstream? _upstream;
    private string _url = "";

    private ScriptedUpstream Upstream => _upstream!;

    private protected Dictionary<string, string?> Settings { get; } = new()
    {
        ["Gateway__OwnerTimeout"] = "00:00:02",
        ["Gateway__ParkTimeout"] = "00:00:30",
    };

    public virtual async ValueTask InitializeAsync()
    {
        _upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        _url = _upstream.Url;
    }

    public virtual async ValueTask DisposeAsync()
    {
        foreach (var gateway in _gateways) await gateway.DisposeAsync();
        if (_upstream is not null) await _upstream.DisposeAsync();
        _directory.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Restart_ResumesTheSession_WithoutAHandshake()
    {
        var before = await StartAsync();
        Upstream.Count("initialize").ShouldBe(1);
        (await before.Service.StopAsync()).ShouldBe(0);
        Upstream.OpenSessions.ShouldBe(1);

        var after = await StartAsync();

        Upstream.Count("initialize").ShouldBe(1);
        Upstream.Count("server/discover").ShouldBe(1);
        Upstream.Count("DELETE").ShouldBe(0);
        (await after.ModernCallAsync("/mcp/up", "echo", """{"text":"hello"}""")).Text.ShouldBe("hello");
        (await EventsAsync(after)).ShouldContain("session resumed: parked by a gateway that stopped");
        Upstream.Arrivals.Where(arrival => arrival.Method == "tools/call").ShouldHaveSingleItem().Session.ShouldBe(Upstream.Arrivals.First(arrival => arrival.Method == "tools/list").Session);
        IdsOfSessions().ShouldAllBe(ids => ids.Distinct().Count() == ids.Count);
    }

    [Fact]
    public async Task Restart_ClientsSessionsGoOn_AndEndedOnesStayEnded()
    {
        var before = await StartAsync();
        var (kept, ended) = (await before.InitializeAsync("/mcp/up", "2025-06-18"), await before.InitializeAsync());
        using var delete = new HttpRequestMessage(HttpMethod.Delete, "/mcp");
        delete.Headers.Add("Mcp-Session-Id", ended);
        (await before.Client.SendAsync(delete, TestContext.Current.CancellationToken)).EnsureSuccessStatusCode();
        before.Service.Kill();
        await before.Service.WaitForExitAsync();

        var after = await StartAsync();

        (await after.CallAsync(kept, "/mcp/up", "echo", """{"text":"again"}""")).Text.ShouldBe("again");
        (await after.SessionAsync(kept))["version"]!.GetValue<string>().ShouldBe("2025-06-18");
        (await after.CallAsync(kept, "/mcp", "up__echo")).Status.ShouldBe(404);
        (await after.CallAsync(ended, "/mcp", "up__echo")).Status.ShouldBe(404);
        (await after.CallAsync("0123456789abcdef0123456789abcdef", "/mcp", "up__echo")).Status.ShouldBe(404);
    }

    [Fact]
    public async Task Restart_ResumesASessionThatWasUsedAndGivenBack()
    {
        var before = await StartAsync(""", "pool": { "mode": "exclusive" }""");
        (await before.ModernCallAsync("/mcp/up", "echo")).Status.ShouldBe(200);
        await ReadyAsync(before);
        var opened = Upstream.Count("initialize");
        (await before.Service.StopAsync()).ShouldBe(0);

        await StartAsync(""", "pool": { "mode": "exclusive" }""");

        Upstream.Count("initialize").ShouldBe(opened);
        Upstream.Count("DELETE").ShouldBe(0);
    }

    [Fact]
    public async Task Restart_GivesAClientsSessionItsUpstreamSessionBack_AndNobodyElse()
    {
        var before = await StartAsync();
        var client = await before.InitializeAsync("/mcp/up");
        (await before.CallAsync(client, "/mcp/up", "remember", """{"value":"secret"}""")).Text.ShouldBe("remembered");
        await ReadyAsync(before);
        (await before.Service.StopAsync()).ShouldBe(0);
        Upstream.OpenSessions.ShouldBe(2);

        var after = await StartAsync();
        (await after.CallAsync(client, "/mcp/up", "recall")).Text.ShouldBe("secret");
        Upstream.Count("initialize").ShouldBe(2);
        var next = await after.InitializeAsync("/mcp/up");

        (await after.CallAsync(next, "/mcp/up", "recall")).Text.ShouldBe("");
        (await after.ModernCallAsync("/mcp/up", "recall", affinity: client)).Text.ShouldBe("");
        Upstream.Count("DELETE").ShouldBe(0);
    }

    [Fact]
    public async Task Kill_LeavesNoOrphan_AfterTheReapersRound()
    {
        var before = await StartAsync();
        var client = await before.InitializeAsync("/mcp/up");
        (await before.CallAsync(client, "/mcp/up", "remember", """{"value":"secret"}""")).Text.ShouldBe("remembered");
        await ReadyAsync(before);
        var orphans = Upstream.Arrivals.Select(arrival => arrival.Session).OfType<string>().Distinct().ToArray();
        orphans.Length.ShouldBe(2);
        before.Service.Kill();
        await before.Service.WaitForExitAsync();

        var after = await StartAsync();
        await Eventually.SeesAsync(() => Upstream.OpenSessions, open => open == 1);

        (await after.ModernCallAsync("/mcp/up", "recall")).Text.ShouldBe("");
        Upstream.Arrivals.ShouldContain(arrival => arrival.Method == "DELETE" && arrival.Session == orphans[0]);
        // The upstream knows of its end before the gateway does.
        await Eventually.SeesAsync(() => EventsAsync(after), events => events.Contains("orphan reaped: its gateway is dead", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Kill_LetsAnUnusedSessionBeAdopted_OnceItsOwnerCountsAsDead()
    {
        var before = await StartAsync();
        before.Service.Kill();
        await before.Service.WaitForExitAsync();
        // The owner's time runs while no gateway is there.
        await Task.Delay(TimeSpan.FromSeconds(2.5), TimeProvider.System, TestContext.Current.CancellationToken);

        var after = await StartAsync();

        Upstream.Count("initialize").ShouldBe(1);
        (await EventsAsync(after)).ShouldContain("session resumed: its gateway is dead");
        (await after.ModernCallAsync("/mcp/up", "echo", """{"text":"hello"}""")).Text.ShouldBe("hello");
    }

    [Fact]
    public async Task Restart_OpensAnew_WhenTheUpstreamForgotTheSession()
    {
        var before = await StartAsync();
        (await before.Service.StopAsync()).ShouldBe(0);
        Upstream.DropSessions();

        var after = await StartAsync();

        Upstream.Count("initialize").ShouldBe(2);
        (await EventsAsync(after)).ShouldContain("session not resumed");
        (await after.ModernCallAsync("/mcp/up", "echo", """{"text":"hello"}""")).Text.ShouldBe("hello");
    }

    [Fact]
    public async Task Restart_EndsTheOldSession_WhenTheUpstreamIsConfiguredAnew()
    {
        Settings["Gateway__ParkTimeout"] = "00:00:01";
        var before = await StartAsync();
        var old = Upstream.Arrivals.First(arrival => arrival.Method == "tools/list").Session;
        (await before.Service.StopAsync()).ShouldBe(0);

        await StartAsync(""", "headers": { "X-New": "1" }""");

        Upstream.Count("initialize").ShouldBe(2);
        await Eventually.SeesAsync(() => Upstream.OpenSessions, open => open == 1);
        Upstream.Arrivals.ShouldContain(arrival => arrival.Method == "DELETE" && arrival.Session == old);
    }

    [Fact]
    public async Task Restart_DropsWhatItCannotOpen_AndGoesOn()
    {
        Settings["Gateway__Keys"] = $"a:{Convert.ToBase64String(RandomNumberGenerator.GetBytes(32))}";
        var before = await StartAsync();
        (await before.Service.StopAsync()).ShouldBe(0);
        Settings["Gateway__Keys"] = $"a:{Convert.ToBase64String(RandomNumberGenerator.GetBytes(32))}";

        var after = await StartAsync();

        Upstream.Count("initialize").ShouldBe(2);
        (await after.ModernCallAsync("/mcp/up", "echo", """{"text":"hello"}""")).Text.ShouldBe("hello");
    }

    [Fact]
    public async Task Restart_ResumesWithARotatedKey()
    {
        var old = $"old:{Convert.ToBase64String(RandomNumberGenerator.GetBytes(32))}";
        Settings["Gateway__Keys"] = old;
        var before = await StartAsync();
        (await before.Service.StopAsync()).ShouldBe(0);
        Settings["Gateway__Keys"] = $"new:{Convert.ToBase64String(RandomNumberGenerator.GetBytes(32))},{old}";

        await StartAsync();

        Upstream.Count("initialize").ShouldBe(1);
    }

    [Fact]
    public async Task Parked_IsEnded_WhenNobodyWantsItInTime()
    {
        Settings["Gateway__ParkTimeout"] = "00:00:01";
        var before = await StartAsync(""", "pool": { "minIdle": 3 }""");
        (await before.Service.StopAsync()).ShouldBe(0);
        Upstream.OpenSessions.ShouldBe(3);
        await Task.Delay(TimeSpan.FromSeconds(1.2), TimeProvider.System, TestContext.Current.CancellationToken);

        var after = await StartAsync(""", "pool": { "minIdle": 3 }""");

        await Eventually.SeesAsync(() => Upstream.Count("DELETE"), count => count == 3);
        Upstream.OpenSessions.ShouldBe(3);
        await Eventually.SeesAsync(() => EventsAsync(after), events => events.Contains("orphan reaped: no gateway wanted it in time", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Orphan_IsTriedAgain_WhileItsUpstreamIsDown()
    {
        // Over before the next process is up: within it, the opener would keep the session for when the upstream is back.
        Settings["Gateway__ParkTimeout"] = "00:00:00.0500000";
        var before = await StartAsync();
        (await before.Service.StopAsync()).ShouldBe(0);
        var port = Upstream.BaseAddress.Port;
        await Upstream.DisposeAsync();
        var after = await LaunchAsync("");
        await after.Service.WaitForLineAsync("An orphaned session of up could not be ended; it is tried again");

        _upstream = await ScriptedUpstream.StartAsync(Speech.Sessions, port);

        await after.Service.WaitForLineAsync("An orphaned session of up was ended at the upstream");
        Upstream.Count("DELETE").ShouldBe(1);
    }

    [Fact]
    public async Task TwoGateways_NeverOwnTheSameSession()
    {
        var first = await StartAsync(""", "pool": { "minIdle": 4 }""");
        (await first.Service.StopAsync()).ShouldBe(0);
        Upstream.OpenSessions.ShouldBe(4);
        var seen = Upstream.Arrivals.Count;

        var both = await Task.WhenAll(LaunchAsync(""", "pool": { "minIdle": 4 }"""), LaunchAsync(""", "pool": { "minIdle": 4 }"""));
        foreach (var gateway in both) await ReadyAsync(gateway, 4);

        // Each session is listed by the one gateway that owns it, and by no other.
        var lists = Upstream.Arrivals.Skip(seen).Where(arrival => arrival.Method == "tools/list").ToArray();
        lists.Select(list => list.Session).Distinct().Count().ShouldBe(lists.Length);
        Upstream.Count("initialize").ShouldBe(8);
        Upstream.OpenSessions.ShouldBe(8);
        Upstream.Count("DELETE").ShouldBe(0);
    }

    [Fact]
    public async Task Store_HoldsNoSessionIdInTheClear()
    {
        var gateway = await StartAsync();
        var id = Upstream.Arrivals.First(arrival => arrival.Method == "tools/list").Session!;

        (await StoredTextAsync()).ShouldNotContain(id);
        string.Join('\n', gateway.Service.Output).ShouldNotContain(id);
        (await StoredTextAsync()).ShouldContain("up");
    }

    /// <summary>Everything the store holds, as text.</summary>
    private protected abstract Task<string> StoredTextAsync();

    private protected int Opened => Upstream.Count("initialize");

    private protected async Task<GatewayProcess> StartAsync(string more = "")
    {
        var gateway = await LaunchAsync(more);
        await ReadyAsync(gateway);
        return gateway;
    }

    private protected async Task<GatewayProcess> LaunchAsync(string more)
    {
        var gateway = await GatewayProcess.StartAsync(_directory, ownsDirectory: false, Settings, GatewayProcess.Entry("up", _url, more));
        lock (_gateways) _gateways.Add(gateway);
        return gateway;
    }

    /// <summary>Ready, and with as many warm sessions as it keeps: what it does at the start is over.</summary>
    private protected static Task ReadyAsync(GatewayProcess gateway, int idle = 0) =>
        gateway.ReadyAsync("up", report => report["pool"]!["idle"]!.GetValue<int>() >= Math.Max(idle, report["pool"]!["min_idle"]!.GetValue<int>()));

    private protected static async Task<string> EventsAsync(GatewayProcess gateway) =>
        string.Join('\n', (await gateway.ReportAsync("up"))["timeline"]!.AsArray().Select(item => $"{item!["what"]}: {item["reason"]}"));

    private IEnumerable<List<string>> IdsOfSessions() => Upstream.Arrivals
        .Where(arrival => arrival.Session is { Length: > 0 } && arrival.Body?["id"] is not null)
        .GroupBy(arrival => arrival.Session)
        .Select(group => group.Select(arrival => arrival.Body!["id"]!.ToJsonString()).ToList());
}

public sealed class SqliteResumeTests : ResumeTests
{
    private protected override async Task<string> StoredTextAsync()
    {
        var files = Directory.GetFiles(_directory.FullPath, "gateway.db*");
        return string.Concat(await Task.WhenAll(files.Select(async file =>
        {
            await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var reader = new StreamReader(stream, System.Text.Encoding.Latin1);
            return await reader.ReadToEndAsync();
        })));
    }
}

public sealed class RedisResumeTests : ResumeTests
{
    private readonly RedisServer _server = new();

    public override async ValueTask InitializeAsync()
    {
        await _server.StartAsync();
        Settings["ConnectionStrings__cache"] = _server.Process.ConnectionString;
        await base.InitializeAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Start_DoesNotNeedRedis_AndUsesItOnceItComes()
    {
        await _server.Process.StopAsync();
        var gateway = await StartAsync();
        await gateway.Service.WaitForLineAsync("The session ledger does not answer");

        await _server.Process.RunAsync();
        await gateway.Service.WaitForLineAsync("The session ledger answers again");
        await Eventually.SeesAsync(StoredTextAsync, text => text.Contains("sealed", StringComparison.Ordinal));
        (await gateway.Service.StopAsync()).ShouldBe(0);
        var opened = Opened;
        await StartAsync();

        Opened.ShouldBe(opened);
        gateway.Service.Output.Count(line => line.Contains("The session ledger does not answer", StringComparison.Ordinal)).ShouldBe(1);
    }

    [Fact]
    public async Task ClientsSession_IsServedByEveryReplica()
    {
        var (one, two) = (await StartAsync(), await StartAsync());
        var session = await one.InitializeAsync();

        (await two.CallAsync(session, "/mcp", "up__echo", """{"text":"there"}""")).Text.ShouldBe("there");
        (await one.CallAsync(session, "/mcp", "up__echo", """{"text":"here"}""")).Text.ShouldBe("here");
    }

    [Fact]
    public async Task Calls_GoOn_WhileRedisIsGone()
    {
        var gateway = await StartAsync();
        await _server.Process.StopAsync();

        for (var i = 0; i < 5; i++) (await gateway.ModernCallAsync("/mcp/up", "echo", """{"text":"hello"}""")).Text.ShouldBe("hello");

        await gateway.Service.WaitForLineAsync("The session ledger does not answer");
        await _server.Process.RunAsync();
        await gateway.Service.WaitForLineAsync("The session ledger answers again");
    }

    [Fact]
    public async Task Start_SaysThatReplicasShareNoKeys_AndWritesNoDatabase()
    {
        var gateway = await StartAsync();

        await gateway.Service.WaitForLineAsync("Gateway:Keys is not set");
        File.Exists(_directory.PathOf("gateway.db")).ShouldBeFalse();
    }

    private protected override async Task<string> StoredTextAsync()
    {
        var answer = await _server.Open().EvaluateAsync(
            """
            local all = {}
            for _, key in ipairs(redis.call('KEYS', '*')) do
              all[#all + 1] = key
              if redis.call('TYPE', key).ok == 'hash' then for _, part in ipairs(redis.call('HGETALL', key)) do all[#all + 1] = part end end
            end
            return table.concat(all, ' ')
            """, [], [], TestContext.Current.CancellationToken);
        return (string)answer!;
    }
}
