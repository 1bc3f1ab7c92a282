using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace Benchmarks.Load;

/// <summary>
/// The least a client of MCP needs, so that the load costs little beside what it measures: bodies made once, answers read into one
/// buffer and looked at no further than for failures. One call at a time.
/// </summary>
internal sealed class McpCaller(HttpMessageInvoker http, Uri url, CallerKind kind)
{
    private const string Modern = "2026-07-28";
    private const string Legacy = "2025-11-25";

    private static readonly MediaTypeHeaderValue s_json = new("application/json");

    private static readonly byte[] s_initialize =
        """{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"benchmark","version":"1"}}}"""u8.ToArray();

    private static readonly byte[] s_initialized = """{"jsonrpc":"2.0","method":"notifications/initialized"}"""u8.ToArray();

    private static readonly byte[] s_legacyCall =
        """{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"The quick brown fox jumps over the lazy dog."}}}"""u8.ToArray();

    private static readonly byte[] s_modernCall =
        """
        {"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"text":"The quick brown fox jumps over the lazy dog."},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"benchmark","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}}}
        """u8.ToArray();

    private readonly byte[] _answer = new byte[64 * 1024];
    private string? _session;

    /// <summary>Opens the session that a caller of the legacy kind needs; nothing for a modern one.</summary>
    public async Task OpenAsync(CancellationToken cancellationToken)
    {
        if (kind == CallerKind.Modern) return;
        using (var response = await SendAsync(HttpMethod.Post, s_initialize, cancellationToken))
        {
            await ReadAsync(response, cancellationToken);
            _session = response.Headers.TryGetValues("Mcp-Session-Id", out var ids) ? ids.First() : null;
        }

        using var noted = await SendAsync(HttpMethod.Post, s_initialized, cancellationToken);
        await ReadAsync(noted, cancellationToken);
    }

    /// <summary>Calls the tool.</summary>
    /// <exception cref="InvalidOperationException">It did not answer with a result.</exception>
    public async Task CallAsync(CancellationToken cancellationToken)
    {
        using var response = await SendAsync(HttpMethod.Post, kind == CallerKind.Modern ? s_modernCall : s_legacyCall, cancellationToken);
        var length = await ReadAsync(response, cancellationToken);
        if (_answer.AsSpan(0, length).IndexOf("\"result\""u8) < 0) throw Failure(response.StatusCode, length);
    }

    /// <summary>Ends the session, as a client that leaves does.</summary>
    public async Task CloseAsync(CancellationToken cancellationToken)
    {
        if (_session is null) return;
        using var response = await SendAsync(HttpMethod.Delete, null, cancellationToken);
        _session = null;
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, byte[]? body, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, url);
        request.Headers.TryAddWithoutValidation("Accept", "application/json, text/event-stream");
        if (kind == CallerKind.Modern)
        {
            request.Headers.TryAddWithoutValidation("MCP-Protocol-Version", Modern);
            request.Headers.TryAddWithoutValidation("Mcp-Method", "tools/call");
            request.Headers.TryAddWithoutValidation("Mcp-Name", "echo");
        }
        else if (_session is not null)
        {
            request.Headers.TryAddWithoutValidation("MCP-Protocol-Version", Legacy);
            request.Headers.TryAddWithoutValidation("Mcp-Session-Id", _session);
        }

        if (body is not null)
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.ContentType = s_json;
        }

        return await http.SendAsync(request, cancellationToken);
    }

    private async Task<int> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        var length = 0;
        for (int read; (read = await stream.ReadAsync(_answer.AsMemory(length), cancellationToken)) > 0;) length += read;
        return response.IsSuccessStatusCode ? length : throw Failure(response.StatusCode, length);
    }

    private InvalidOperationException Failure(HttpStatusCode status, int length) =>
        new($"{url} answered {(int)status}: {Encoding.UTF8.GetString(_answer.AsSpan(0, Math.Min(length, 500)))}");
}
