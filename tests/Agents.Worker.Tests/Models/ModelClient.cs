using Agents.Worker.Models;
using Agents.Worker.Models.Anthropic;
using Agents.Worker.Models.OpenAi;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;

namespace Agents.Worker.Tests.Models;

/// <summary>Turns against a real HTTP server, as the worker makes them.</summary>
internal sealed class ModelClient : IDisposable, ITurnListener
{
    private readonly IChatClient _client;
    private readonly ModelTurns _turns;

    public ModelClient(string baseUrl, Action<ModelOptions>? configure = null, TimeProvider? time = null)
    {
        var options = new ModelOptions { Provider = ModelOptions.OpenAi, BaseUrl = baseUrl, Model = "test-model", RetryDelay = TimeSpan.Zero };
        Clock = time as ManualTimeProvider;
        configure?.Invoke(options);
        _client = options.Provider == ModelOptions.Anthropic
            ? new AnthropicChatClient(new SocketsHttpHandler(), Options.Create(options), time ?? TimeProvider.System)
            : new OpenAiChatClient(new HttpClient { Timeout = Timeout.InfiniteTimeSpan }, Options.Create(options), time ?? TimeProvider.System);
        _turns = new ModelTurns(_client, Options.Create(options), time ?? TimeProvider.System);
    }

    /// <summary>The clock, where the test moves it.</summary>
    public ManualTimeProvider? Clock { get; }

    /// <summary>The text as it came, resets as <c>[reset]</c>.</summary>
    public List<string> Heard { get; } = [];

    public Task<ModelTurn> AskAsync(string text = "hello", params AITool[] tools) => AskAsync([new ChatMessage(ChatRole.User, text)], tools);

    public Task<ModelTurn> AskAsync(IReadOnlyList<ChatMessage> messages, params AITool[] tools) =>
        _turns.RunAsync(messages, new ChatOptions { Tools = tools }, this, TestContext.Current.CancellationToken);

    public Task<ModelTurn> AskAsync(IReadOnlyList<ChatMessage> messages, ChatOptions options) =>
        _turns.RunAsync(messages, options, this, TestContext.Current.CancellationToken);

    public Task<ModelTurn> AskAsync(CancellationToken cancellationToken) =>
        _turns.RunAsync([new ChatMessage(ChatRole.User, "hello")], new ChatOptions(), this, cancellationToken);

    public ValueTask TextAsync(string text, CancellationToken cancellationToken)
    {
        Heard.Add(text);
        return ValueTask.CompletedTask;
    }

    public ValueTask ResetAsync(string reason, CancellationToken cancellationToken)
    {
        Heard.Add("[reset]");
        return ValueTask.CompletedTask;
    }

    public void Dispose()
    {
        _turns.Dispose();
        _client.Dispose();
    }
}
