using System.Text.Json.Nodes;

namespace ConformanceUpstream.Calls;

/// <summary>Something a tool or prompt wants from the client before it can answer.</summary>
/// <param name="Key">Its name in <c>inputRequests</c>; older revisions have none.</param>
/// <param name="Method">Such as <c>elicitation/create</c>.</param>
/// <param name="Params">Its parameters.</param>
internal sealed record InputRequest(string Key, string Method, JsonObject Params)
{
    /// <summary>The capability a client declares when it can answer this.</summary>
    public string Capability => Method[..Method.IndexOf('/', StringComparison.Ordinal)];
}

/// <summary>
/// One request being answered. A tool is written once for both eras: asking the client is a request of the server in the older one, and a
/// result of its own in the newer, after which the client calls again and the tool runs from its start with the answers there.
/// </summary>
internal abstract class ClientCall
{
    public required RpcMessage Message { get; init; }

    /// <summary>Cancelled when the client takes the request back.</summary>
    public required CancellationToken Cancelled { get; init; }

    /// <summary>Tells every client that asked for it that something changed.</summary>
    public required Action<Change> Announce { get; init; }

    public JsonObject Arguments => Message.Params["arguments"] as JsonObject ?? [];

    /// <summary>What the client says it can do.</summary>
    protected abstract JsonObject Capabilities { get; }

    public bool Declares(string capability) => Capabilities[capability] is JsonObject;

    /// <summary>Sends a notification that belongs to this request.</summary>
    public abstract Task NotifyAsync(string method, JsonObject parameters);

    /// <summary>Asks the client for all of these; the answers come in the same order.</summary>
    public abstract Task<IReadOnlyList<JsonObject>> AskAsync(params InputRequest[] requests);

    /// <summary>Ends the stream of the answer before the answer, where the transport lets a client resume it (SEP-1699).</summary>
    public virtual Task BreakOffAsync() => Task.CompletedTask;

    /// <summary>Whether the client wants log messages of this level.</summary>
    protected abstract bool WantsLog(string level);

    public Task LogAsync(string level, string text) =>
        WantsLog(level)
            ? NotifyAsync("notifications/message", new JsonObject { ["level"] = level, ["logger"] = "conformance-upstream", ["data"] = text })
            : Task.CompletedTask;

    public Task ReportProgressAsync(int progress, int total) =>
        Message.Meta?["progressToken"] is { } token
            ? NotifyAsync("notifications/progress", new JsonObject { ["progressToken"] = token.DeepClone(), ["progress"] = progress, ["total"] = total, ["message"] = $"Step {progress} of {total}" })
            : Task.CompletedTask;

    public Task PauseAsync() => Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, Cancelled);

    /// <exception cref="RpcException">The client did not declare the capability.</exception>
    public void Require(string capability)
    {
        if (!Declares(capability))
            throw new RpcException(RpcCode.MissingCapability, $"The client did not declare '{capability}'.", new JsonObject { ["requiredCapabilities"] = new JsonObject { [capability] = new JsonObject() } });
    }
}

/// <summary>The client answered an input request with an error.</summary>
internal sealed class InputRefusedException(string method, string why) : Exception($"{method} was refused: {why}");
