using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Upstreams;

namespace McpGateway.Calls.Inputs;

/// <summary>Sends a message to a client outside of its calls; false when it does not listen.</summary>
internal delegate Task<bool> SendOutside(ReadOnlyMemory<byte> message);

/// <summary>
/// A legacy client as upstreams may speak to it: the questions it has been asked and not answered, the log level it wants. Question ids
/// are the gateway's own: two upstreams may use the same one. Whoever takes a question out of the dictionary, and only he, ends it.
/// </summary>
/// <param name="send">Sends to its GET stream.</param>
/// <param name="replica">This gateway's name, part of each question's id: another gateway asks the same client under other ids.</param>
internal sealed class ClientPeer(SendOutside send, string replica = "")
{
    private readonly ConcurrentDictionary<string, TaskCompletionSource<ClientAnswer>> _waiting = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(string Upstream, string Uri), bool> _subscriptions = new();
    private readonly ConcurrentDictionary<string, ModernSubscription> _modern = new(StringComparer.Ordinal);
    private long _lastId;
    private volatile string? _level;

    /// <summary>The least severe log message the client wants; null while it has not said.</summary>
    public string? Level { get => _level; set => _level = value; }

    /// <summary>Asks the client. Once this has completed the question is on its way.</summary>
    /// <param name="method">The method with its quotes.</param>
    /// <param name="parameters">Its parameters.</param>
    /// <param name="write">Sends the request that is made of them.</param>
    public async Task<PendingQuestion> AskAsync(ReadOnlyMemory<byte> method, ReadOnlyMemory<byte> parameters, Func<MessageBuffer, Task> write)
    {
        var id = string.Create(CultureInfo.InvariantCulture, $"\"gateway{replica}-{Interlocked.Increment(ref _lastId)}\"");
        var answer = new TaskCompletionSource<ClientAnswer>(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting[id] = answer;
        try
        {
            using var question = new MessageBuffer(parameters.Length + 256);
            question.Write("{\"jsonrpc\":\"2.0\",\"id\":"u8);
            question.Write(Encoding.UTF8.GetBytes(id));
            question.Write(",\"method\":"u8);
            question.Write(method.Span);
            question.Write(",\"params\":"u8);
            question.Write(parameters.Span);
            question.Write("}"u8);
            await write(question);
            return new PendingQuestion(id, answer.Task);
        }
        catch
        {
            Withdraw(id);
            throw;
        }
    }

    /// <summary>Forgets a question: whoever waits for its answer is told that there will be none.</summary>
    public void Withdraw(string id)
    {
        if (_waiting.TryRemove(id, out var waiting)) waiting.TrySetCanceled(CancellationToken.None);
    }

    /// <summary>Takes an answer that the client has sent; false for one to no question of this gateway's.</summary>
    public bool TryTake(MessageShape shape, ReadOnlySpan<byte> message)
    {
        if (shape.Kind is not (MessageKind.Result or MessageKind.Error) || !_waiting.TryRemove(Encoding.UTF8.GetString(shape.Id.Of(message)), out var waiting)) return false;
        var isError = shape.Kind == MessageKind.Error;
        waiting.TrySetResult(new ClientAnswer(isError, (isError ? shape.Error : shape.Result).Of(message).ToArray()));
        return true;
    }

    /// <summary>The resources, as JSON, that the client has subscribed to at an upstream.</summary>
    public IReadOnlyCollection<string> SubscriptionsAt(string upstream) => _subscriptions.IsEmpty ? [] : [.. _subscriptions.Keys.Where(key => key.Upstream == upstream).Select(static key => key.Uri)];

    /// <summary>Notes that the client has subscribed to a resource, or does not want it any more.</summary>
    public void Subscribe(string upstream, string uri, bool wanted)
    {
        if (wanted) _subscriptions[(upstream, uri)] = true;
        else _subscriptions.TryRemove((upstream, uri), out _);
    }

    /// <summary>The client's subscriptions at a modern upstream, which have to be held for it.</summary>
    public ModernSubscription SubscriptionAt(Upstream upstream, SessionKey owner, TimeProvider time) => _modern.GetOrAdd(upstream.Name, _ => new ModernSubscription(upstream, owner, this, time));

    /// <summary>The client has left: nobody will answer.</summary>
    public void Leave()
    {
        foreach (var subscription in _modern.Values) subscription.Dispose();
        foreach (var id in _waiting.Keys) Withdraw(id);
    }

    /// <summary>Sends a message outside of any call, and copies it before this returns; false when the client does not listen.</summary>
    public Task<bool> SendAsync(ReadOnlyMemory<byte> message) => send(message);

    /// <summary>Whether a log message is severe enough for this client.</summary>
    public bool Wants(UpstreamMessage message) =>
        message.Shape.Method != McpMethod.LogMessage || _level is not { } least || LogSeverity.Passes(JsonText.Read(message.Shape.Level.Of(message.Bytes.Span)), least);
}

/// <summary>A question on its way to a client.</summary>
/// <param name="Id">The gateway's id of it, as JSON.</param>
/// <param name="Answer">What the client answers; cancelled when there will be no answer.</param>
internal sealed record PendingQuestion(string Id, Task<ClientAnswer> Answer);
