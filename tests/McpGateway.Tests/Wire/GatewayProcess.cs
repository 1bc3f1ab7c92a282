using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json.Nodes;

namespace McpGateway.Tests.Wire;

/// <summary>What came back: every message of the answer, the last being the answer itself.</summary>
internal sealed record Reply(int Status, IReadOnlyList<JsonNode> Messages, HttpResponseMessage Response)
{
    public JsonNode Last => Messages[^1];

    public string? Text => Last["result"]?["content"]?[0]?["text"]?.GetValue<string>();

    public int? ErrorCode => Last["error"]?["code"]?.GetValue<int>();

    public string? ErrorText => Last["error"]?["message"]?.GetValue<string>();

    public override string ToString() => $"{Status}: {string.Join(" | ", Messages.Select(message => message.ToJsonString()))}";
}

/// <summary>The real gateway in a process of its own, with a configuration file and a store of the test's own.</summary>
internal sealed class GatewayProcess : IAsyncDisposable
{
    /// <summary>Members of <c>_meta</c> by which a request is one of 2026-07-28.</summary>
    public const string Envelope = "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientInfo\":{\"name\":\"test\",\"version\":\"1\"},\"io.modelcontextprotocol/clientCapabilities\":{}";

    private readonly TemporaryDirectory _directory;
    private readonly bool _ownsDirectory;
    private int _lastId;

    private GatewayProcess(TemporaryDirectory directory, bool ownsDirectory, ServiceProcess service) => (_directory, _ownsDirectory, Service) = (directory, ownsDirectory, service);

    public ServiceProcess Service { get; }

    public HttpClient Client => Service.Client;

    /// <summary>An entry of the file for an upstream over HTTP.</summary>
    public static string Entry(string name, string url, string more = "") => $"\"{name}\": {{ \"url\": \"{url}\"{more} }}";

    /// <summary>Starts it with these entries of <c>mcpServers</c>; without the built-in upstream.</summary>
    public static Task<GatewayProcess> StartAsync(params string[] entries) => StartAsync(new TemporaryDirectory(), ownsDirectory: true, null, entries);

    public static async Task<GatewayProcess> StartAsync(TemporaryDirectory directory, bool ownsDirectory, IReadOnlyDictionary<string, string?>? environment, params string[] entries)
    {
        Write(directory, entries);
        var service = await ServiceProcess.StartAsync("McpGateway", ["--Gateway:ConfigFile", directory.PathOf(".mcp.json"), "--Storage:Directory", directory.FullPath], environment);
        return new GatewayProcess(directory, ownsDirectory, service);
    }

    public void Rewrite(params string[] entries) => Write(_directory, entries);

    public void WriteFile(string text) => _directory.Write(".mcp.json", text);

    /// <summary>Waits until an upstream is ready with a warm, free session; then a call meets no handshake.</summary>
    public Task<JsonNode> ReadyAsync(string upstream, Func<JsonNode, bool>? also = null) =>
        Eventually.SeesAsync(() => ReportAsync(upstream), report => report["state"]!.GetValue<string>() == "ready" && report["pool"]!["idle"]!.GetValue<int>() > 0 && report["pool"]!["opening"]!.GetValue<int>() == 0 && also?.Invoke(report) != false);

    public async Task<JsonNode> ReportAsync(string upstream) => JsonNode.Parse(await Client.GetStringAsync(new Uri($"/upstreams/{upstream}", UriKind.Relative)))!;

    /// <summary>What operators see of a client's session.</summary>
    public async Task<JsonNode> SessionAsync(string session) =>
        JsonNode.Parse(await Client.GetStringAsync(new Uri("/sessions", UriKind.Relative)))!["sessions"]!.AsArray().Single(one => session.StartsWith(one!["id"]!.GetValue<string>(), StringComparison.Ordinal))!;

    /// <summary>Opens a legacy client's session and gives its id.</summary>
    public async Task<string> InitializeAsync(string path = "/mcp", string version = "2025-11-25")
    {
        var reply = await PostAsync(path, """{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"VERSION","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}""".Replace("VERSION", version, StringComparison.Ordinal));
        reply.Status.ShouldBe(200, reply.ToString());
        var session = reply.Response.Headers.GetValues("Mcp-Session-Id").Single();
        (await PostAsync(path, """{"jsonrpc":"2.0","method":"notifications/initialized"}""", ("Mcp-Session-Id", session))).Status.ShouldBe(202);
        return session;
    }

    /// <summary>Calls a tool as a legacy client in its session.</summary>
    public Task<Reply> CallAsync(string session, string path, string tool, string arguments = "{}", string? token = null, int? id = null) =>
        PostAsync(path, Request(id ?? Interlocked.Increment(ref _lastId), tool, arguments, token is null ? null : $"\"progressToken\":{token}"), ("Mcp-Session-Id", session), ("MCP-Protocol-Version", "2025-11-25"));

    /// <summary>Calls a tool as a client of 2026-07-28.</summary>
    public Task<Reply> ModernCallAsync(string path, string tool, string arguments = "{}", string? token = null, string? affinity = null, CancellationToken cancellationToken = default)
    {
        var headers = new List<(string, string)> { ("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "tools/call"), ("Mcp-Name", tool) };
        if (affinity is not null) headers.Add(("Mcp-Affinity", affinity));
        return PostAsync(path, Request(Interlocked.Increment(ref _lastId), tool, arguments, $"{Envelope}{(token is null ? "" : $",\"progressToken\":{token}")}"), cancellationToken, [.. headers]);
    }

    /// <summary>Sends any request as a legacy client in its session.</summary>
    public Task<Reply> RequestAsync(string session, string path, string method, string parameters = "{}") =>
        PostAsync(path, $"{{\"jsonrpc\":\"2.0\",\"id\":{Interlocked.Increment(ref _lastId)},\"method\":\"{method}\",\"params\":{parameters}}}", ("Mcp-Session-Id", session), ("MCP-Protocol-Version", "2025-11-25"));

    /// <summary>Sends any request as a client of 2026-07-28; <paramref name="members"/> are those of its parameters, <paramref name="target"/> is mirrored in a header.</summary>
    public Task<Reply> ModernRequestAsync(string path, string method, string members = "", string? target = null)
    {
        var headers = new List<(string, string)> { ("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", method) };
        if (target is not null) headers.Add(("Mcp-Name", target));
        var body = $"{{\"jsonrpc\":\"2.0\",\"id\":{Interlocked.Increment(ref _lastId)},\"method\":\"{method}\",\"params\":{{\"_meta\":{{{Envelope}}}{(members.Length > 0 ? "," : "")}{members}}}}}";
        return PostAsync(path, body, [.. headers]);
    }

    public Task<Reply> PostAsync(string path, string body, params (string Name, string Value)[] headers) => PostAsync(path, body, CancellationToken.None, headers);

    public async Task<Reply> PostAsync(string path, string body, CancellationToken cancellationToken, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.TryAddWithoutValidation("Accept", "application/json, text/event-stream");
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        var response = await Client.SendAsync(request, cancellationToken);
        return new Reply((int)response.StatusCode, await ReadAsync(response), response);
    }

    public async ValueTask DisposeAsync()
    {
        await Service.DisposeAsync();
        if (_ownsDirectory) _directory.Dispose();
    }

    private static void Write(TemporaryDirectory directory, string[] entries) =>
        directory.Write(".mcp.json", $"{{ \"mcpServers\": {{ {string.Join(", ", entries.Prepend("\"repository\": { \"disabled\": true }"))} }} }}");

    private static string Request(int id, string tool, string arguments, string? meta) =>
        $"{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"tools/call\",\"params\":{{\"name\":\"{tool}\",\"arguments\":{arguments}{(meta is null ? "" : $",\"_meta\":{{{meta}}}")}}}}}";

    private static async Task<IReadOnlyList<JsonNode>> ReadAsync(HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync();
        if (response.Content.Headers.ContentType?.MediaType != "text/event-stream") return text.Length == 0 ? [] : [JsonNode.Parse(text)!];
        using var stream = new MemoryStream(Encoding.UTF8.GetBytes(text));
        // An event without data only says where the stream stands.
        return [.. SseParser.Create(stream).Enumerate().Where(item => item.Data.Length > 0).Select(item => JsonNode.Parse(item.Data)!)];
    }
}
