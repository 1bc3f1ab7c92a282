using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using ModelContextProtocol;
using ModelContextProtocol.Client;

namespace RepositoryTools.Tests;

public sealed class ProtocolTests
{
    private static readonly string[] _names =
    [
        "find_duplicates", "find_entities", "find_untested", "get_entity_relationships", "list_files", "qa_codebase", "read_file", "repo_get_info", "search_code",
    ];

    [Fact]
    public async Task Server_ListsNineTools_ThatReadOnlyAndDescribeThemselves()
    {
        using var folder = new TemporaryDirectory();
        await using var tools = await Tools.OverAsync(folder);

        var listed = await tools.Client.ListToolsAsync(cancellationToken: TestContext.Current.CancellationToken);

        listed.Select(t => t.Name).Order().ShouldBe(_names);
        foreach (var tool in listed.Select(t => t.ProtocolTool))
        {
            tool.Annotations!.ReadOnlyHint.ShouldBe(true, tool.Name);
            tool.Annotations.IdempotentHint.ShouldBe(true, tool.Name);
            tool.Annotations.DestructiveHint.ShouldBe(false, tool.Name);
            tool.Annotations.OpenWorldHint.ShouldBe(false, tool.Name);
            tool.OutputSchema!.Value.Text("type").ShouldBe("object", tool.Name);
            foreach (var argument in tool.InputSchema.GetProperty("properties").EnumerateObject())
            {
                argument.Value.Text("description").ShouldNotBeEmpty($"{tool.Name}.{argument.Name}");
            }
        }
    }

    [Theory]
    [InlineData("2025-11-25")]
    [InlineData("2026-07-28")]
    public async Task Server_Answers_ClientsOfBothEras(string version)
    {
        using var folder = new TemporaryDirectory();
        folder.Write("a.txt", "hello\n");
        var transport = new StdioClientTransport(new()
        {
            Command = "dotnet", Arguments = [RepositoryRoot.AssemblyOf("RepositoryTools"), "--repository", $"shop={folder.FullPath}"],
        });

        await using var client = await McpClient.CreateAsync(
            transport, new() { ProtocolVersion = version }, cancellationToken: TestContext.Current.CancellationToken);

        client.NegotiatedProtocolVersion.ShouldBe(version);
        var result = await client.CallToolAsync(
            "search_code", new Dictionary<string, object?> { ["query"] = "hello" }, cancellationToken: TestContext.Current.CancellationToken);
        result.StructuredContent!.Value.Number("total").ShouldBe(1);
    }

    [Fact]
    public async Task Stdout_CarriesOnlyMcp_AndTheServerEndsWithItsInput()
    {
        using var folder = new TemporaryDirectory();
        folder.Write("a.cs", "class A;\n");
        using var process = Process.Start(new ProcessStartInfo(
            "dotnet", [RepositoryRoot.AssemblyOf("RepositoryTools"), "--repository", $"shop={folder.FullPath}", "--repository", "gone=/nowhere/at/all"])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);

        await process.StandardInput.WriteLineAsync("""{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}""");
        var first = await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken);
        await process.StandardInput.WriteLineAsync("""{"jsonrpc":"2.0","method":"notifications/initialized"}""");
        await process.StandardInput.WriteLineAsync("""{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"repo_get_info","arguments":{"repository":"shop"}}}""");
        var second = await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken);
        process.StandardInput.Close();

        var rest = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Eventually.Patience, TimeProvider.System, TestContext.Current.CancellationToken);
        process.ExitCode.ShouldBe(0);
        JsonDocument.Parse(first!).RootElement.GetProperty("result").GetProperty("serverInfo").Text("name").ShouldBe("repository-tools");
        JsonDocument.Parse(second!).RootElement.GetProperty("result").GetProperty("structuredContent").Number("files").ShouldBe(1);
        rest.ShouldBeEmpty();
        (await errors).ShouldContain("shop: 1 files read");
    }

    [Fact]
    public async Task FirstCall_TellsProgress_WhileTheIndexIsBuilt()
    {
        using var folder = new TemporaryDirectory();
        var code = string.Concat(Enumerable.Range(0, 400).Select(i => $"    public int M{i}(int a) => a + {i};\n"));
        for (var i = 0; i < 400; i++)
        {
            folder.Write($"src/C{i}.cs", $"public class C{i}\n{{\n{code}}}\n");
        }

        await using var tools = await Tools.OverAsync(folder);
        var told = new ConcurrentQueue<ProgressNotificationValue>();

        await tools.Client.CallToolAsync(
            "list_files", new Dictionary<string, object?>(), new Collector(told), cancellationToken: TestContext.Current.CancellationToken);

        await Eventually.HoldsAsync(() => !told.IsEmpty);
        told.ShouldAllBe(p => p.Total == 400 && p.Progress <= 400 && p.Message!.Contains("shop"));
    }

    private sealed class Collector(ConcurrentQueue<ProgressNotificationValue> told) : IProgress<ProgressNotificationValue>
    {
        public void Report(ProgressNotificationValue value) => told.Enqueue(value);
    }
}
