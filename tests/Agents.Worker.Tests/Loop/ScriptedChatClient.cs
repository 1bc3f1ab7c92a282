using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Agents.Worker.Tests.Loop;

/// <summary>A model whose turns the test writes: it gets the messages and options and says what comes.</summary>
internal sealed class ScriptedChatClient(Func<ScriptedChatClient.Request, IEnumerable<ChatResponseUpdate>> script) : IChatClient
{
    private int _requests;

    /// <summary>A request to the model.</summary>
    internal sealed record Request(int Number, IReadOnlyList<ChatMessage> Messages, ChatOptions Options)
    {
        public string Agent => (string)Options.AdditionalProperties!["agents.agent"]!;

        public bool HasTools => Options is { Tools.Count: > 0, ToolMode: not NoneChatToolMode };

        public IReadOnlyList<FunctionResultContent> Results => [.. Messages.SelectMany(m => m.Contents).OfType<FunctionResultContent>()];

        public string LastText => Messages[^1].Text;
    }

    public ConcurrentQueue<Request> Requests { get; } = new();

    /// <summary>Awaited before each request is answered, with its cancellation.</summary>
    public Func<Request, CancellationToken, Task>? Before { get; set; }

    /// <summary>Awaited after each update was taken.</summary>
    public Func<ChatResponseUpdate, Task>? After { get; set; }

    public static ChatResponseUpdate Text(string text) => new(ChatRole.Assistant, text);

    public static ChatResponseUpdate Call(string tool, object? arguments = null, string? id = null)
    {
        var given = JsonSerializer.SerializeToElement(arguments ?? new { }).EnumerateObject().ToDictionary(p => p.Name, object? (p) => p.Value.Clone());
        return new ChatResponseUpdate(ChatRole.Assistant, [new FunctionCallContent(id ?? $"call_{Guid.NewGuid():N}", tool, given)]);
    }

    public static ChatResponseUpdate Usage(long input, long output) =>
        new(ChatRole.Assistant, [new UsageContent(new UsageDetails { InputTokenCount = input, OutputTokenCount = output })]);

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var request = new Request(Interlocked.Increment(ref _requests), [.. messages], options!);
        Requests.Enqueue(request);
        if (Before is { } before) await before(request, cancellationToken);
        foreach (var update in script(request))
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return update;
            if (After is { } after) await after(update);
        }
    }

    public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose()
    {
    }
}
