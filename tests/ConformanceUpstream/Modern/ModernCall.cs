using System.Text.Json.Nodes;
using ConformanceUpstream.Calls;

namespace ConformanceUpstream.Modern;

/// <summary>A tool needs answers that the request does not hold; thrown through the tool, which runs again once they are there.</summary>
internal sealed class InputRequiredException(IReadOnlyList<InputRequest> missing, JsonObject answers) : Exception("The request needs input.")
{
    public IReadOnlyList<InputRequest> Missing => missing;

    /// <summary>The answers so far, by key.</summary>
    public JsonObject Answers => answers;
}

/// <summary>A request that stands alone: what the client declares, and what it answered, comes with it.</summary>
internal sealed class ModernCall : ClientCall
{
    private readonly Func<JsonObject, Task> _notify;
    private readonly JsonObject _answers;
    private readonly HashSet<string> _asked = [];

    /// <exception cref="RpcException">Its state or its answers are no good.</exception>
    public ModernCall(RequestState state, RpcMessage message, Func<JsonObject, Task> notify)
    {
        _notify = notify;
        _answers = state.Read(message.Params["requestState"]);
        if (!message.Params.TryGetPropertyValue("inputResponses", out var given)) return;
        if (given is not JsonObject responses) throw new RpcException(RpcCode.InvalidParams, "params.inputResponses must be an object.");
        foreach (var (key, response) in responses)
            _answers[key] = response is JsonObject ? response.DeepClone() : throw new RpcException(RpcCode.InvalidParams, $"params.inputResponses.{key} must be an object.");
    }

    protected override JsonObject Capabilities => Message.Meta?[Envelope.ClientCapabilities] as JsonObject ?? [];

    public override Task NotifyAsync(string method, JsonObject parameters) => _notify(Rpc.Notification(method, parameters));

    public override Task<IReadOnlyList<JsonObject>> AskAsync(params InputRequest[] requests)
    {
        foreach (var request in requests) Require(request.Capability);
        _asked.UnionWith(requests.Select(request => request.Key));
        InputRequest[] missing = [.. requests.Where(request => _answers[request.Key] is null)];
        if (missing.Length > 0) throw new InputRequiredException(missing, Carried());
        return Task.FromResult<IReadOnlyList<JsonObject>>([.. requests.Select(request => _answers[request.Key]!.AsObject())]);
    }

    protected override bool WantsLog(string level) =>
        RpcMessage.TextOf(Message.Meta?[Envelope.LogLevel]) is { } least && Severity.IsKnown(least) && Severity.Reaches(level, least);

    /// <summary>What to carry: answers of earlier questions too, keys that nobody asked for not.</summary>
    private JsonObject Carried() =>
        new(_answers.Where(answer => _asked.Contains(answer.Key)).Select(answer => KeyValuePair.Create(answer.Key, answer.Value?.DeepClone())));
}
