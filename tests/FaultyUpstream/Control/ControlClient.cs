using System.Text.Json.Nodes;
using FaultyUpstream.Faults;
using FaultyUpstream.Server;

namespace FaultyUpstream.Control;

/// <summary><see cref="UpstreamControl"/> of a server in another process.</summary>
/// <param name="control">The address of its <c>/control</c>.</param>
public sealed class ControlClient(Uri control) : IDisposable
{
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(30) };

    /// <inheritdoc cref="UpstreamControl.Set"/>
    public async Task<int> SetAsync(Fault fault, CancellationToken cancellationToken = default) =>
        (await SendAsync(HttpMethod.Post, "/faults", fault, cancellationToken))!["id"]!.GetValue<int>();

    /// <inheritdoc cref="UpstreamControl.Behave"/>
    public Task BehaveAsync(CancellationToken cancellationToken = default) => SendAsync(HttpMethod.Delete, "/faults", null, cancellationToken);

    /// <inheritdoc cref="UpstreamControl.Drop(DropSessions?)"/>
    public async Task<int> DropAsync(DropSessions? which = null, CancellationToken cancellationToken = default) =>
        (await SendAsync(HttpMethod.Post, "/drop", which, cancellationToken))!["dropped"]!.GetValue<int>();

    /// <inheritdoc cref="UpstreamControl.Restart"/>
    public Task RestartAsync(CancellationToken cancellationToken = default) => SendAsync(HttpMethod.Post, "/restart", null, cancellationToken);

    /// <inheritdoc cref="UpstreamControl.Release"/>
    public Task ReleaseAsync(CancellationToken cancellationToken = default) => SendAsync(HttpMethod.Post, "/release", null, cancellationToken);

    /// <inheritdoc cref="UpstreamControl.ChangeListAsync"/>
    public async Task<int> ChangeListAsync(ListChange? change = null, CancellationToken cancellationToken = default) =>
        (await SendAsync(HttpMethod.Post, "/list-changed", change, cancellationToken))!["notified"]!.GetValue<int>();

    /// <inheritdoc cref="UpstreamControl.Change"/>
    public Task ChangeAsync(UpstreamSettings settings, CancellationToken cancellationToken = default) => SendAsync(HttpMethod.Post, "/settings", settings, cancellationToken);

    /// <inheritdoc cref="UpstreamControl.Read"/>
    public async Task<UpstreamReport> ReadAsync(CancellationToken cancellationToken = default) =>
        (await _http.GetFromJsonAsync<UpstreamReport>(control, ControlJson.Options, cancellationToken))!;

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private async Task<JsonNode?> SendAsync(HttpMethod method, string command, object? body, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, control + command);
        if (body is not null) request.Content = JsonContent.Create(body, body.GetType(), options: ControlJson.Options);
        using var response = await _http.SendAsync(request, cancellationToken);
        var text = await response.Content.ReadAsStringAsync(cancellationToken);
        var answer = text.Length == 0 ? null : JsonNode.Parse(text);
        return response.IsSuccessStatusCode ? answer : throw new ControlException(answer?["error"]?.GetValue<string>() ?? $"{command} answered {(int)response.StatusCode}.");
    }
}
