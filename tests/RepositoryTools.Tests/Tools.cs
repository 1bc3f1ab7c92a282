using System.Text.Json;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace RepositoryTools.Tests;

/// <summary>The built server in a process of its own, spoken to over stdio as any MCP client does.</summary>
internal sealed class Tools : IAsyncDisposable
{
    private readonly McpClient _client;

    private Tools(McpClient client) => _client = client;

    internal McpClient Client => _client;

    internal static Task<Tools> OverAsync(TemporaryDirectory repository) => StartAsync($"shop={repository.FullPath}");

    internal static async Task<Tools> StartAsync(params string[] repositories)
    {
        var transport = new StdioClientTransport(new()
        {
            Command = "dotnet",
            Arguments = [RepositoryRoot.AssemblyOf("RepositoryTools"), .. repositories.SelectMany(r => new[] { "--repository", r })],
            Name = "repository-tools",
        });
        return new(await McpClient.CreateAsync(transport, cancellationToken: TestContext.Current.CancellationToken));
    }

    internal async Task<CallToolResult> CallAsync(string tool, params (string Name, object? Value)[] arguments) =>
        await _client.CallToolAsync(tool, arguments.ToDictionary(a => a.Name, a => a.Value), cancellationToken: TestContext.Current.CancellationToken);

    /// <summary>The structured answer of a call that must succeed.</summary>
    internal async Task<JsonElement> AnswerAsync(string tool, params (string Name, object? Value)[] arguments)
    {
        var result = await CallAsync(tool, arguments);
        result.IsError.ShouldNotBe(true, Text(result));
        return result.StructuredContent!.Value;
    }

    /// <summary>The message of a call that must fail as a tool error.</summary>
    internal async Task<string> FaultAsync(string tool, params (string Name, object? Value)[] arguments)
    {
        var result = await CallAsync(tool, arguments);
        result.IsError.ShouldBe(true, Text(result));
        return Text(result);
    }

    public ValueTask DisposeAsync() => _client.DisposeAsync();

    internal static string Text(CallToolResult result) => string.Concat(result.Content.OfType<TextContentBlock>().Select(t => t.Text));
}
