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
    private readonly Uri _endpoint = Endpoint(options.Value.BaseUrl);

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        // Bounds the wait for the response and for each further piece of it: re-armed at every update.
        using var silence = new CancellationTokenSource(_options.Timeout, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, silence.Token);
        using var request = Request(messages, options);
        using var response = await Guarded(SendAsync(request, linked.Token), silence, cancellationToken).ConfigureAwait(false);

        await using var updates = UpdatesAsync(response, linked.Token).GetAsyncEnumerator(linked.Token);
        while (await Guarded(updates.MoveNextAsync().AsTask(), silence, cancellationToken).ConfigureAwait(false))
        {
            silence.CancelAfter(_options.Timeout);
            yield return updates.Current;
        }
    }

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

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
        if (response.IsSuccessStatusCode) return response;
        using (response)
        {
            var body = await response.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false);
            throw OpenAiError.From(response.StatusCode, body, RetryAfter(response), _options.ApiKey);
        }
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

    private async Task<T> Guarded<T>(Task<T> step, CancellationTokenSource silence, CancellationToken caller)
    {
        try
        {
            return await step.ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (silence.IsCancellationRequested && !caller.IsCancellationRequested)
        {
            throw new ModelException(ModelFailure.Timeout, $"The model server was silent for {_options.Timeout.TotalSeconds:0} s (Models:Timeout).");
        }
        catch (HttpRequestException error) when (error.HttpRequestError == HttpRequestError.ResponseEnded)
        {
            throw new ModelException(ModelFailure.BrokenStream, $"The model server closed the connection before it answered: {error.GetBaseException().Message}", error);
        }
        catch (HttpRequestException error)
        {
            throw new ModelException(ModelFailure.Unavailable, $"The model server at {_endpoint.GetLeftPart(UriPartial.Authority)} cannot be reached: {error.Message}", error);
        }
        catch (IOException error)
        {
            throw new ModelException(ModelFailure.BrokenStream, $"The model server's answer was cut off: {error.Message}", error);
        }
    }

    private TimeSpan? RetryAfter(HttpResponseMessage response)
    {
        var header = response.Headers.RetryAfter;
        var wait = header?.Delta ?? (header?.Date is { } date ? date - time.GetUtcNow() : null);
        return wait is { } value && value < TimeSpan.Zero ? TimeSpan.Zero : wait;
    }

    private static Uri Endpoint(string baseUrl)
    {
        var url = new UriBuilder(baseUrl);
        url.Path = url.Path.TrimEnd('/') + "/chat/completions";
        return url.Uri;
    }
}
