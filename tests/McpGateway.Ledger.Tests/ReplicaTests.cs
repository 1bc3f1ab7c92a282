using System.Text.Json.Nodes;
using McpGateway.Tests.Streams;
using McpGateway.Tests.Wire;
using Microsoft.AspNetCore.Http;

namespace McpGateway.Ledger.Tests;

/// <summary>Two gateways in processes of their own with one Redis: what a client says to the one reaches what it has at the other.</summary>
public sealed class ReplicaTests : IAsyncLifetime
{
    private const string Steps = """{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"up__steps","arguments":{},"_meta":{"progressToken":"p"}}}""";

    private static readonly string s_keys = $"a:{Convert.ToBase64String(System.Security.Cryptography.RandomNumberGenerator.GetBytes(32))}";

    private readonly RedisServer _server = new();
    private readonly List<TemporaryDirectory> _directories = [];
    private ScriptedUpstream _upstream = null!;
    private GatewayProcess _one = null!;
    private GatewayProcess _two = null!;

    public async ValueTask InitializeAsync()
    {
        await _server.StartAsync();
        _upstream = await ScriptedUpstream.StartAsync(Speech.Sessions);
        var both = await Task.WhenAll(StartAsync(), StartAsync());
        (_one, _two) = (both[0], both[1]);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var gateway in new[] { _one, _two }) await gateway.DisposeAsync();
        await _upstream.DisposeAsync();
        await _server.DisposeAsync();
        foreach (var directory in _directories) directory.Dispose();
    }

    [Fact]
    public async Task Cancellation_ReachesTheCall_AtTheOtherGateway()
    {
        var session = await _one.InitializeAsync();
        await using var call = await EventReader.PostAsync(_one, "/mcp", Steps, ("Mcp-Session-Id", session));
        await call.NextMessageAsync();

        (await _two.PostAsync("/mcp", """{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}""", ("Mcp-Session-Id", session))).Status.ShouldBe(202);

        // No answer to a cancelled request: the stream just ends.
        (await call.NextAsync()).ShouldBeNull();
    }

    [Fact]
    public async Task Answer_ReachesTheQuestion_AtTheOtherGateway()
    {
        _upstream.Misbehave = Inquire();
        var session = await InitializeAsync(_one, """{"sampling":{}}""");
        await using var call = await EventReader.PostAsync(_one, "/mcp", """{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"up__echo","arguments":{}}}""", ("Mcp-Session-Id", session));
        var question = await call.NextMessageAsync();
        question.Method.ShouldBe("sampling/createMessage");
        var answer = $$$"""{"jsonrpc":"2.0","id":{{{question.Message["id"]!.ToJsonString()}}},"result":{"role":"assistant","content":{"type":"text","text":"from afar"},"model":"m"}}""";

        // The second one comes too late, wherever it comes.
        (await _two.PostAsync("/mcp", answer, ("Mcp-Session-Id", session))).Status.ShouldBe(202);
        (await _two.PostAsync("/mcp", answer, ("Mcp-Session-Id", session))).Status.ShouldBe(202);

        (await call.NextMessageAsync()).Message["result"]!["content"]![0]!["text"]!.GetValue<string>().ShouldBe("from afar");
    }

    [Fact]
    public async Task Delete_EndsTheSession_AtBothGateways()
    {
        var session = await _one.InitializeAsync();
        (await _two.CallAsync(session, "/mcp", "up__echo", """{"text":"here too"}""")).Text.ShouldBe("here too");
        await using var listening = await EventReader.ListenAsync(_one, "/mcp", session);
        (await listening.NextAsync())!.Data.ShouldBe("");
        using var delete = new HttpRequestMessage(HttpMethod.Delete, "/mcp");
        delete.Headers.Add("Mcp-Session-Id", session);

        (await _two.Client.SendAsync(delete, TestContext.Current.CancellationToken)).EnsureSuccessStatusCode();

        (await listening.NextAsync()).ShouldBeNull();
        (await _one.CallAsync(session, "/mcp", "up__echo")).Status.ShouldBe(404);
        (await _two.CallAsync(session, "/mcp", "up__echo")).Status.ShouldBe(404);
    }

    /// <summary>An upstream whose tool asks the client's model, and answers what that says.</summary>
    private static Func<HttpContext, JsonNode?, Task<bool>> Inquire()
    {
        var said = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        return async (context, message) =>
        {
            if (message?["result"]?["content"] is { } content)
            {
                said.SetResult(content["text"]!.GetValue<string>());
                context.Response.StatusCode = 202;
                return true;
            }

            if (message?["method"]?.GetValue<string>() != "tools/call") return false;
            context.Response.ContentType = "text/event-stream";
            await SendAsync("""{"jsonrpc":"2.0","id":"q","method":"sampling/createMessage","params":{"messages":[],"maxTokens":10}}""");
            await SendAsync($$$"""{"jsonrpc":"2.0","id":{{{message["id"]!.ToJsonString()}}},"result":{"content":[{"type":"text","text":"{{{await said.Task}}}"}]}}""");
            return true;

            async Task SendAsync(string text)
            {
                await context.Response.WriteAsync($"data: {text}\n\n", context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
            }
        };
    }

    private static async Task<string> InitializeAsync(GatewayProcess gateway, string capabilities)
    {
        var reply = await gateway.PostAsync("/mcp", $$$$"""{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{{{{capabilities}}}},"clientInfo":{"name":"test","version":"1"}}}""");
        return reply.Response.Headers.GetValues("Mcp-Session-Id").Single();
    }

    private async Task<GatewayProcess> StartAsync()
    {
        var directory = new TemporaryDirectory();
        lock (_directories) _directories.Add(directory);
        var settings = new Dictionary<string, string?> { ["ConnectionStrings__cache"] = _server.Process.ConnectionString, ["Gateway__OwnerTimeout"] = "00:00:03", ["Gateway__Keys"] = s_keys };
        var gateway = await GatewayProcess.StartAsync(directory, ownsDirectory: false, settings, GatewayProcess.Entry("up", _upstream.Url));
        await gateway.ReadyAsync("up");
        return gateway;
    }
}
