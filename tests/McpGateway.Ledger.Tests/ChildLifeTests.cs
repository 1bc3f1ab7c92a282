using System.Diagnostics.Metrics;
using System.Globalization;
using McpGateway.Sessions;
using McpGateway.Tests.Wire;
using McpGateway.Upstreams;
using McpGateway.Upstreams.Links;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace McpGateway.Ledger.Tests;

public sealed class ChildLifeTests : IDisposable
{
    /// <summary>Answers what an upstream is asked, names its process in every answer, and lives on after the end of its input and after signals that can be caught.</summary>
    private const string Stubborn = """
        trap '' TERM HUP INT PIPE
        while :; do
          if IFS= read -r line; then
            id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
            case "$line" in
              *'"server/discover"'*) printf '{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"no"}}\n' "$id" ;;
              *'"initialize"'*) printf '{"jsonrpc":"2.0","id":%s,"result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"sh","version":"1"}}}\n' "$id" ;;
              *'"tools/list"'*) printf '{"jsonrpc":"2.0","id":%s,"result":{"tools":[{"name":"pid","inputSchema":{"type":"object"}}]}}\n' "$id" ;;
              *'"tools/call"'*) printf '{"jsonrpc":"2.0","id":%s,"result":{"content":[{"type":"text","text":"%s"}]}}\n' "$id" "$$" ;;
              *'"id"'*) printf '{"jsonrpc":"2.0","id":%s,"result":{}}\n' "$id" ;;
            esac
          else
            sleep 1
          fi
        done
        """;

    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Child_ThatIgnoresTheEndOfItsInput_DiesWithAKilledGateway()
    {
        RequireGuard();
        _directory.Write("server.sh", Stubborn);
        await using var gateway = await GatewayProcess.StartAsync(_directory, ownsDirectory: false, null, $"\"sh\": {{ \"command\": \"sh\", \"args\": [\"{_directory.PathOf("server.sh")}\"] }}");
        await gateway.ReadyAsync("sh");
        var child = int.Parse((await gateway.ModernCallAsync("/mcp", "sh__pid")).Text!, CultureInfo.InvariantCulture);
        IsAlive(child).ShouldBeTrue();

        // The gateway alone, not its children: they are the kernel's to kill.
        using (var process = System.Diagnostics.Process.GetProcessById(gateway.Service.Id)) process.Kill();

        try
        {
            await Eventually.HoldsAsync(() => !IsAlive(child));
        }
        finally
        {
            if (IsAlive(child)) System.Diagnostics.Process.GetProcessById(child).Kill();
        }
    }

    [Fact]
    public async Task Child_LivesThroughAnIdleMinute_AndBeyondTheThreadThatAskedForIt()
    {
        _directory.Write("server.sh", Stubborn.Replace("sleep 1", "exit 0", StringComparison.Ordinal));
        var clock = new ManualTimeProvider();
        var config = new UpstreamConfig { Name = "sh", Transport = UpstreamTransport.Stdio, Command = "sh", Args = [_directory.PathOf("server.sh")] };
        var asked = new TaskCompletionSource<Task<StdioLink>>(TaskCreationOptions.RunContinuationsAsynchronously);
        var asker = new Thread(() => asked.SetResult(StdioLink.StartAsync(config, 1 << 20, clock, NullLogger.Instance)));
        asker.Start();
        await using var link = await await asked.Task;
        asker.Join(Eventually.Patience).ShouldBeTrue();
        var timeline = new Timeline(clock);
        await using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        var options = new PoolOptions();
        await using var pool = new SessionPool(new PoolHost
        {
            Upstream = "sh",
            Options = options,
            Breaker = new Breaker(clock, new Random(1)),
            Drain = new OperatorDrain("sh"),
            Hint = new WarmHint(options, clock),
            Request = () => { },
            OnEvicted = _ => { },
            Meter = new PoolMeter(new PoolMetrics(services.GetRequiredService<IMeterFactory>()), "sh", clock),
            Timeline = timeline,
            Time = clock,
            Logger = NullLogger.Instance,
        });
        var server = await Handshake.InitializeAsync(link, SessionProfile.Default, TestContext.Current.CancellationToken);
        pool.Add(new UpstreamSession(1, link, server, clock.GetTimestamp()) { Lifetime = TimeSpan.FromMinutes(30), KeepAlive = TimeSpan.FromSeconds(60) });

        for (var round = 0; round < 15; round++)
        {
            clock.Advance(TimeSpan.FromSeconds(5));
            await pool.SweepAsync(TestContext.Current.CancellationToken);
        }

        await using var lease = await pool.LeaseAsync(new SessionKey("me", null), TestContext.Current.CancellationToken);
        (await LinkCalls.PingAsync(lease.Session.Link, Eventually.Patience, TimeProvider.System)).ShouldBeNull();
        lease.Session.Number.ShouldBe(1);
        timeline.Read().ShouldBeEmpty();
    }

    [Fact]
    public async Task Start_NamesTheCommand_WhenThereIsNone()
    {
        var config = new UpstreamConfig { Name = "none", Transport = UpstreamTransport.Stdio, Command = "no-such-command-here" };

        var failure = await Should.ThrowAsync<UpstreamException>(() => StdioLink.StartAsync(config, 1000, TimeProvider.System, NullLogger.Instance));

        failure.Kind.ShouldBe(FailureKind.Unreachable);
        failure.Message.ShouldContain("'no-such-command-here' cannot be started");
    }

    private static void RequireGuard()
    {
        if (!OperatingSystem.IsLinux() || !File.Exists("/usr/bin/setpriv")) Requires.Missing("Needs Linux with setpriv of util-linux, by which the kernel kills the child.");
    }

    private static bool IsAlive(int process)
    {
        try
        {
            // A zombie that nobody has waited for is dead too.
            return !File.ReadAllText($"/proc/{process}/stat").Split(") ")[1].StartsWith('Z');
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException or IOException)
        {
            return false;
        }
    }
}
