using System.Buffers;
using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Benchmarks.Servers;

/// <summary>
/// An MCP server that does as little as one can, so that what stands in front of it shows: on <c>/legacy</c> with sessions, on
/// <c>/modern</c> without, one tool <c>echo</c>, plain JSON answers. <c>?delay_ms=</c> makes a call take that long.
/// </summary>
internal sealed class FastUpstream : IAsyncDisposable
{
    public const string Role = "serve-upstream";

    private static readonly ConcurrentDictionary<string, byte> s_sessions = new();

    private readonly ChildProcess _process;

    private FastUpstream(ChildProcess process, Uri address) => (_process, Address) = (process, address);

    public Uri Address { get; }

    /// <summary>Starts it in a process of its own.</summary>
    public static async Task<FastUpstream> StartAsync()
    {
        var process = ChildProcess.Start("dotnet", [typeof(FastUpstream).Assembly.Location, Role]);
        var line = await process.WaitForLineAsync(line => line.StartsWith("http://", StringComparison.Ordinal));
        return new FastUpstream(process, new Uri(line));
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    /// <summary>What that process runs.</summary>
    public static async Task<int> RunAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        await using var app = builder.Build();
        app.Run(AnswerAsync);
        await app.StartAsync();
        Console.WriteLine(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        await app.WaitForShutdownAsync();
        return 0;
    }

    private static async Task AnswerAsync(HttpContext context)
    {
        var modern = context.Request.Path == "/modern";
        var session = context.Request.Headers["Mcp-Session-Id"].ToString();
        if (HttpMethods.IsDelete(context.Request.Method))
        {
            context.Response.StatusCode = s_sessions.TryRemove(session, out _) ? StatusCodes.Status200OK : StatusCodes.Status404NotFound;
            return;
        }

        var body = await ReadAsync(context);
        var (id, method) = Scan(body);
        if (!modern && method == "initialize") context.Response.Headers["Mcp-Session-Id"] = OpenSession();
        else if (!modern && !s_sessions.ContainsKey(session)) context.Response.StatusCode = session.Length == 0 ? StatusCodes.Status400BadRequest : StatusCodes.Status404NotFound;
        if (context.Response.StatusCode != StatusCodes.Status200OK) return;
        if (id is null)
        {
            context.Response.StatusCode = StatusCodes.Status202Accepted;
            return;
        }

        if (method == "tools/call" && int.TryParse(context.Request.Query["delay_ms"], out var delay)) await Task.Delay(TimeSpan.FromMilliseconds(delay), TimeProvider.System);
        var answer = Encoding.UTF8.GetBytes($$"""{"jsonrpc":"2.0","id":{{id}},{{Outcome(method, modern)}}}""");
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = answer.Length;
        await context.Response.BodyWriter.WriteAsync(answer);
    }

    private static string Outcome(string? method, bool modern) => (method, modern) switch
    {
        ("tools/call", true) => """ "result":{"content":[{"type":"text","text":"The quick brown fox jumps over the lazy dog."}],"resultType":"complete"}""",
        ("tools/call", false) => """ "result":{"content":[{"type":"text","text":"The quick brown fox jumps over the lazy dog."}]}""",
        ("tools/list", true) => """ "result":{"tools":[{"name":"echo","inputSchema":{"type":"object"}}],"resultType":"complete","ttlMs":60000,"cacheScope":"private"}""",
        ("tools/list", false) => """ "result":{"tools":[{"name":"echo","inputSchema":{"type":"object"}}]}""",
        ("server/discover", true) => """ "result":{"supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"resultType":"complete","ttlMs":60000,"cacheScope":"private"}""",
        ("initialize", false) => """ "result":{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"fast","version":"1"}}""",
        ("ping", false) => """ "result":{}""",
        _ => """ "error":{"code":-32601,"message":"There is no such method."}""",
    };

    private static string OpenSession()
    {
        var id = Guid.NewGuid().ToString("N");
        s_sessions[id] = 0;
        return id;
    }

    private static async Task<byte[]> ReadAsync(HttpContext context)
    {
        var reader = context.Request.BodyReader;
        while (true)
        {
            var read = await reader.ReadAsync(context.RequestAborted);
            if (read.IsCompleted)
            {
                var body = read.Buffer.ToArray();
                reader.AdvanceTo(read.Buffer.End);
                return body;
            }

            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    /// <summary>The id as it stands, and the method.</summary>
    private static (string? Id, string? Method) Scan(ReadOnlySpan<byte> body)
    {
        (string? Id, string? Method) found = default;
        var reader = new Utf8JsonReader(body);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var (isId, isMethod) = (reader.ValueTextEquals("id"u8), reader.ValueTextEquals("method"u8));
            reader.Read();
            if (isId) found.Id = Encoding.UTF8.GetString(body[(int)reader.TokenStartIndex..(int)reader.BytesConsumed]);
            else if (isMethod) found.Method = reader.GetString();
            reader.Skip();
        }

        return found;
    }
}
