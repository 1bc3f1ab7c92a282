using System.Text.Json;
using ModelContextProtocol;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace FaultyUpstream.Tests;

/// <summary>With no fault set the server satisfies clients other people wrote, on every transport and in both eras.</summary>
public sealed class PeerClientTests
{
    private static string Assembly => RepositoryRoot.AssemblyOf("tests/FaultyUpstream");

    [Theory]
    [InlineData("http", AnswerForm.Json)]
    [InlineData("http", AnswerForm.Stream)]
    [InlineData("sse", AnswerForm.Json)]
    public async Task NpmClient_IsSatisfied_OverHttp(string transport, AnswerForm form)
    {
        await using var host = await FaultyUpstreamHost.StartAsync(new FaultyUpstreamOptions { AnswerForm = form });

        var seen = await RunNpmClientAsync(transport, (transport == "http" ? host.Mcp : host.Sse).ToString());

        ShouldBeSatisfied(seen);
        var counts = await Eventually.SeesAsync(() => host.Control.Read().SessionCounts, counts => counts.Open == 0);
        counts.Opened.ShouldBe(1);
        (transport == "http" ? counts.Deleted : counts.Disconnected).ShouldBe(1);
    }

    [Fact]
    public async Task NpmClient_IsSatisfied_OverStdio() => ShouldBeSatisfied(await RunNpmClientAsync("stdio", "dotnet", Assembly, "--stdio"));

    [Theory]
    [InlineData(UpstreamEra.Legacy, HttpTransportMode.StreamableHttp)]
    [InlineData(UpstreamEra.Legacy, HttpTransportMode.Sse)]
    [InlineData(UpstreamEra.Both, HttpTransportMode.StreamableHttp)]
    [InlineData(UpstreamEra.Modern, HttpTransportMode.StreamableHttp)]
    [InlineData(UpstreamEra.Legacy, HttpTransportMode.AutoDetect)]
    public async Task SdkClient_IsSatisfied_OverHttp(UpstreamEra era, HttpTransportMode mode)
    {
        await using var host = await FaultyUpstreamHost.StartAsync(new FaultyUpstreamOptions { Era = era });
        var endpoint = mode == HttpTransportMode.Sse ? host.Sse : host.Mcp;
        await using (var client = await McpClient.CreateAsync(new HttpClientTransport(new HttpClientTransportOptions { Endpoint = endpoint, TransportMode = mode })))
        {
            client.NegotiatedProtocolVersion.ShouldBe(era == UpstreamEra.Legacy ? "2025-11-25" : "2026-07-28");
            await ShouldBeSatisfiedAsync(client);
        }

        var report = host.Control.Read();
        report.Counters.Requests["tools/call"].ShouldBe(4);
        report.Counters.Handshakes.ShouldBe(era == UpstreamEra.Legacy ? 1 : 0);
        report.Counters.Probes.ShouldBe(mode == HttpTransportMode.Sse ? 0 : 1);
        await Eventually.HoldsAsync(() => host.Control.Read().SessionCounts.Open == 0);
    }

    [Theory]
    [InlineData("legacy", "2025-11-25")]
    [InlineData("modern", "2026-07-28")]
    public async Task SdkClient_IsSatisfied_OverStdio(string era, string version)
    {
        await using var client = await McpClient.CreateAsync(new StdioClientTransport(new StdioClientTransportOptions { Command = "dotnet", Arguments = [Assembly, "--stdio", "--era", era] }));

        client.NegotiatedProtocolVersion.ShouldBe(version);
        await ShouldBeSatisfiedAsync(client);
    }

    private static async Task ShouldBeSatisfiedAsync(McpClient client)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var tools = await client.ListToolsAsync(cancellationToken: cancellationToken);
        tools.Single(tool => tool.Name == "execute_read_only").ProtocolTool.Annotations!.ReadOnlyHint.ShouldBe(true);
        tools.Single(tool => tool.Name == "execute_idempotent").ProtocolTool.Annotations!.IdempotentHint.ShouldBe(true);
        tools.Single(tool => tool.Name == "execute_once").ProtocolTool.Annotations.ShouldBeNull();
        (await TextAsync("echo", new() { ["text"] = "hello" })).ShouldBe("hello");
        (await TextAsync("add_to_counter", new() { ["amount"] = 5 })).ShouldBe("5");
        (await client.CallToolAsync("echo", new Dictionary<string, object?>(), cancellationToken: cancellationToken)).IsError.ShouldBe(true);

        // Clients drop progress that comes in one piece with the answer, so there is a pause.
        var steps = new List<float>();
        await client.CallToolAsync("progress", new Dictionary<string, object?> { ["steps"] = 2, ["ms"] = 50 }, new Seen(steps), cancellationToken: cancellationToken);
        await Eventually.HoldsAsync(() => steps.Count == 2);

        async Task<string> TextAsync(string tool, Dictionary<string, object?> arguments) =>
            (await client.CallToolAsync(tool, arguments, cancellationToken: cancellationToken)).Content.OfType<TextContentBlock>().Single().Text;
    }

    private static async Task<JsonElement> RunNpmClientAsync(params string[] arguments)
    {
        var (exitCode, output) = await NodeProcess.RunAsync("mcp-client.mjs", arguments);
        exitCode.ShouldBe(0, string.Join('\n', output));
        return JsonDocument.Parse(output[^1]).RootElement;
    }

    private static void ShouldBeSatisfied(JsonElement seen)
    {
        seen.GetProperty("server").GetString().ShouldBe("faulty-upstream");
        seen.GetProperty("tools").EnumerateArray().Select(tool => tool.GetString()).ShouldContain("execute_once");
        seen.GetProperty("echo").GetString().ShouldBe("héllo \"wörld\"");
        // The client drops progress that comes in one piece with the answer, which on a busy machine the last may do.
        int[] steps = [.. seen.GetProperty("steps").EnumerateArray().Select(step => step.GetInt32())];
        steps.ShouldBe(steps.Length == 2 ? [1, 2] : [1, 2, 3]);
        seen.GetProperty("counter").GetString().ShouldBe("5");
        seen.GetProperty("large").GetInt32().ShouldBe(100_000);
        seen.GetProperty("errors").GetArrayLength().ShouldBe(0, seen.ToString());
    }

    private sealed class Seen(List<float> steps) : IProgress<ProgressNotificationValue>
    {
        public void Report(ProgressNotificationValue value)
        {
            lock (steps) steps.Add(value.Progress);
        }
    }
}
