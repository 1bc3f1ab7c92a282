using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;

namespace Agents.Worker.Models.OpenAi;

/// <summary>
/// Chat completions of any OpenAI-compatible server. One call is one request: repeating is the business of the one retry layer above
/// (<see cref="ModelTurns"/>), so that a 429 costs exactly what its policy says.
/// </summary>
internal sealed class OpenAiChatClient(HttpClient http, IOptions<ModelOptions> options, TimeProvider time) : IChatClient
{
    private readonly ModelOptions _options = options.Value;
    private readonly Uri _endpoint = Endpoint(options.Value.EffectiveBaseUrl);

    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        GuardedStream.ReadAsync(token => AskAsync(messages, options, token), _endpoint, _options.Timeout, time, cancellationToken);

    public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(ChatClientMetadata) ? new ChatClientMetadata("openai", _endpoint, _options.Model)
        : serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose() => http.Dispose();

    private HttpRequestMessage Request(IEnumerable<ChatMessage> messages, ChatOptions? options)
    {
        var body = OpenAiRequest.Write(_options.Model!, _options.Temperature, messages, options);
        var request = new HttpRequestMessage(HttpMethod.Post, _endpoint) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        if (_options.ApiKey is not { } key) return request;
        if (_options.ApiKeyHeader is { } header) request.Headers.Add(header, key);
        else request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        return request;
    }

    private async IAsyncEnumerable<ChatResponseUpdate> AskAsync(IEnumerable<ChatMessage> messages, ChatOptions? options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var request = Request(messages, options);
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
        await ModelRefusal.ThrowIfRefusedAsync(response, _options.ApiKey, time, cancellationToken).ConfigureAwait(false);
        await foreach (var update in UpdatesAsync(response, cancellationToken).ConfigureAwait(false)) yield return update;
    }

    private static async IAsyncEnumerable<ChatResponseUpdate> UpdatesAsync(HttpResponseMessage response, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var reader = new OpenAiStream();
        if (response.Content.Headers.ContentType?.MediaType == "application/json")
        {
            var body = await response.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false);
            foreach (var update in reader.ReadWhole(body)) yield return update;
            yield break;
        }

        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        await foreach (var update in reader.ReadAsync(stream, cancellationToken).ConfigureAwait(false)) yield return update;
    }

    private static Uri Endpoint(string baseUrl)
    {
        var url = new UriBuilder(baseUrl);
        url.Path = url.Path.TrimEnd('/') + "/chat/completions";
        return url.Uri;
    }
}
