using System.Runtime.CompilerServices;
using System.Text.Json;
using Anthropic;
using Anthropic.Exceptions;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;

namespace Agents.Worker.Models.Anthropic;

/// <summary>
/// Anthropic's messages API through its own SDK. One call is one request, as for every provider: the SDK's retries are off, and it takes nothing
/// from its environment variables. What it throws is told as a <see cref="ModelException"/>.
/// </summary>
internal sealed class AnthropicChatClient : DelegatingChatClient
{
    // The SDK's limit of a whole answer; what bounds one is the silence in it, and the agent's time.
    private static readonly TimeSpan NoLimit = TimeSpan.FromHours(1);

    private readonly ModelOptions _options;
    private readonly HttpClient _http;
    private readonly TimeProvider _time;
    private readonly Uri _server;

    /// <param name="transport">Where requests go; disposed with the client.</param>
    /// <param name="options">Validated for <c>anthropic</c>.</param>
    /// <param name="time">The clock of time-outs and of <c>Retry-After</c>.</param>
    public AnthropicChatClient(HttpMessageHandler transport, IOptions<ModelOptions> options, TimeProvider time)
        : this(new HttpClient(new AnthropicTransport(options.Value, time) { InnerHandler = transport }) { Timeout = Timeout.InfiniteTimeSpan }, options.Value, time)
    {
    }

    private AnthropicChatClient(HttpClient http, ModelOptions options, TimeProvider time)
        : base(Client(http, options).AsIChatClient(options.Model!, options.MaxOutputTokens))
    {
        (_http, _options, _time, _server) = (http, options, time, new Uri(options.EffectiveBaseUrl));
    }

    public override IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        GuardedStream.ReadAsync(token => AskAsync(messages, Own(options), token), _server, _options.Timeout, _time, cancellationToken);

    public override Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing) _http.Dispose();
    }

    private async IAsyncEnumerable<ChatResponseUpdate> AskAsync(IEnumerable<ChatMessage> messages, ChatOptions options, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var finished = false;
        await using var updates = base.GetStreamingResponseAsync(messages, options, cancellationToken).GetAsyncEnumerator(cancellationToken);
        while (await Unwrapped(updates).ConfigureAwait(false))
        {
            finished |= updates.Current.FinishReason is not null;
            yield return updates.Current;
        }

        // The SDK takes a stream that was cut off between two events for a whole one.
        if (!finished) throw new ModelException(ModelFailure.BrokenStream, "The model server's answer ended before the answer was complete.");
    }

    private async ValueTask<bool> Unwrapped(IAsyncEnumerator<ChatResponseUpdate> updates)
    {
        try
        {
            return await updates.MoveNextAsync().ConfigureAwait(false);
        }
        catch (AnthropicIOException error) when (error.InnerException is { } inner)
        {
            throw inner;
        }
        catch (AnthropicSseException error)
        {
            throw Reported(error);
        }
        catch (AnthropicInvalidDataException error)
        {
            throw new JsonException(error.Message, error);
        }
    }

    // https://docs.anthropic.com/en/api/errors: what the service may recover from, and what it will refuse again.
    private ModelException Reported(AnthropicSseException error)
    {
        var failure = error.Type?.Raw() switch
        {
            "rate_limit_error" => ModelFailure.RateLimited,
            "authentication_error" or "permission_error" => ModelFailure.Unauthorized,
            "invalid_request_error" or "not_found_error" or "billing_error" or "request_too_large" => ModelFailure.Rejected,
            _ => ModelFailure.Unavailable,
        };
        var text = ModelRefusal.Describe(error.ApiMessage ?? error.Message);
        if (_options.ApiKey is { Length: > 0 } key) text = text.Replace(key, "***", StringComparison.Ordinal);
        return new ModelException(failure, $"The model server reported an error in its stream: {text}");
    }

    // The hints are for a client that is no language model; they are no members of a request.
    private static ChatOptions Own(ChatOptions? options)
    {
        var own = options?.Clone() ?? new ChatOptions();
        own.AdditionalProperties = null;
        return own;
    }

    private static AnthropicClient Client(HttpClient http, ModelOptions options) => new()
    {
        HttpClient = http,
        BaseUrl = options.EffectiveBaseUrl.TrimEnd('/'),
        ApiKey = options.ApiKeyHeader is null ? options.ApiKey : null,
        AuthToken = null,
        WebhookKey = null,
        MaxRetries = 0,
        Timeout = NoLimit,
    };
}
