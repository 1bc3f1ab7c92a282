using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using FaultyUpstream.Protocol;
using FaultyUpstream.Server;
using FaultyUpstream.Sessions;

namespace FaultyUpstream.Tools;

/// <summary>The arguments of a call are wrong; the model reads the message.</summary>
internal sealed class ToolArgumentException(string message) : Exception(message);

/// <summary>A call of a tool, and what the tool may use.</summary>
internal sealed class ToolCall(RpcMessage message, SessionCounter counter, FaultyServer server, Func<JsonObject, Task> notify)
{
    private readonly JsonObject _arguments = message.Params["arguments"] as JsonObject ?? [];

    /// <summary>How often the call that <c>call_id</c> names has been executed, this time included; 0 for one without.</summary>
    public int Executions { get; private set; }

    public SessionCounter Counter => counter;
    public FaultyServer Server => server;

    /// <summary>Ends at the next release. Taken before the call is counted as running, so that whoever sees it run can release it.</summary>
    public Task Released { get; } = server.Gate.NextRelease;

    /// <summary>Counts the execution, before the tool does anything.</summary>
    public void Count()
    {
        if (message.CallId is { Length: > 0 } id) Executions = server.Counters.Executed(id);
    }

    public string Text(string name, string? otherwise = null) =>
        RpcMessage.TextOf(_arguments[name]) ?? (_arguments[name] is null ? otherwise : null) ?? throw Wrong(name, "a text");

    public int? Number(string name, int min, int max)
    {
        if (_arguments[name] is not { } node) return null;
        if (node.GetValueKind() == JsonValueKind.Number && int.TryParse(node.ToJsonString(), CultureInfo.InvariantCulture, out var number) && number >= min && number <= max) return number;
        throw Wrong(name, $"a whole number from {min} to {max}");
    }

    /// <summary>Sends progress, if the caller asked for it.</summary>
    public Task ProgressAsync(int progress, int total) =>
        message.Meta?["progressToken"] is not { } token
            ? Task.CompletedTask
            : notify(Rpc.Notification("notifications/progress", new JsonObject
            {
                ["progressToken"] = token.DeepClone(),
                ["progress"] = progress,
                ["total"] = total,
                ["message"] = $"step {progress} of {total}",
            }));

    public Task WaitAsync(int milliseconds, CancellationToken cancellationToken) =>
        Task.Delay(TimeSpan.FromMilliseconds(milliseconds), server.Time, cancellationToken);

    private ToolArgumentException Wrong(string name, string wanted) =>
        new($"The argument {name} must be {wanted}; it is {_arguments[name]?.ToJsonString() ?? "missing"}.");
}
