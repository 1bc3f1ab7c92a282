using Shouldly;
using Testing;
using Xunit;

namespace ServiceDefaults.Tests.SharedTesting;

public sealed class NodeProcessTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public async Task Start_WaitsForTheLineThatSaysReady()
    {
        var script = _directory.Write("serve.mjs", """
            import { createServer } from 'node:http';
            const server = createServer((request, response) => response.end(process.argv[2]));
            server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`));
            """);

        await using var node = await NodeProcess.StartAsync(script, ["hello"]);

        using var client = new HttpClient();
        (await client.GetStringAsync(node.ReadyLine)).ShouldBe("hello");
    }

    [Fact]
    public async Task Run_GivesExitCodeAndOutput()
    {
        var script = _directory.Write("fail.mjs", "console.log('one'); process.exitCode = 4;");

        var (exitCode, output) = await NodeProcess.RunAsync(script);

        exitCode.ShouldBe(4);
        output.ShouldBe(["one"]);
    }

    [Theory]
    [InlineData("@modelcontextprotocol/sdk", "1.32.2")]
    [InlineData("@modelcontextprotocol/server-everything", "2026.8.31")]
    [InlineData("@copilotkit/aimock", "1.43.0")]
    public async Task Peers_AreInstalledAsPinned(string package, string version) =>
        (await File.ReadAllTextAsync(NpmPeers.FileOf(package, "package.json"))).ShouldContain($"\"version\": \"{version}\"");

    public void Dispose() => _directory.Dispose();
}
