using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;

namespace FaultyUpstream.Tools;

/// <summary>The tools, and those added on demand so that a changed list differs.</summary>
internal sealed class ToolCatalogue
{
    private const int MaxMilliseconds = 3_600_000;
    private const int MaxBytes = 64 * 1024 * 1024;

    private static readonly Tool[] s_builtIn =
    [
        new("echo", "Gives back the text.", [("text", "string!")], (call, _) => Task.FromResult(call.Text("text"))),
        new("add_to_counter", "Adds to the number that this session keeps, and gives it.", [("amount", "integer")], AddToCounterAsync),
        new("read_counter", "Gives the number that this session keeps.", [], (call, _) => Task.FromResult(Text(call.Counter.Value)), "readOnlyHint"),
        new("slow", "Takes so many milliseconds; without, until it is released.", [("ms", "integer"), ("call_id", "string")], SlowAsync),
        new("progress", "Reports so many steps, each of so many milliseconds.", [("steps", "integer"), ("ms", "integer")], ProgressAsync),
        new("large", "Gives a text of so many bytes.", [("bytes", "integer!")], (call, _) => Task.FromResult(new string('x', call.Number("bytes", 0, MaxBytes) ?? 1024))),
        new("execute_once", "Counts its executions per call id.", [("call_id", "string!")], ExecuteAsync),
        new("execute_read_only", "Counts its executions per call id.", [("call_id", "string!")], ExecuteAsync, "readOnlyHint"),
        new("execute_idempotent", "Counts its executions per call id.", [("call_id", "string!")], ExecuteAsync, "idempotentHint"),
    ];

    private readonly ConcurrentDictionary<string, Tool> _added = new(StringComparer.Ordinal);

    public Tool? Find(string name) => Array.Find(s_builtIn, tool => tool.Name == name) ?? _added.GetValueOrDefault(name);

    public JsonArray Describe() => new([.. s_builtIn.Concat(_added.Values.OrderBy(tool => tool.Name, StringComparer.Ordinal)).Select(tool => tool.Describe())]);

    /// <summary>Adds a tool that says its name.</summary>
    public void Add(string name) => _added.TryAdd(name, new Tool(name, "Says its name.", [], (_, _) => Task.FromResult(name)));

    public void ForgetAdded() => _added.Clear();

    private static Task<string> AddToCounterAsync(ToolCall call, CancellationToken cancellationToken) =>
        Task.FromResult(Text(call.Counter.Add(call.Number("amount", -1_000_000, 1_000_000) ?? 1)));

    private static async Task<string> SlowAsync(ToolCall call, CancellationToken cancellationToken)
    {
        if (call.Number("ms", 0, MaxMilliseconds) is { } milliseconds) await call.WaitAsync(milliseconds, cancellationToken);
        else await call.Released.WaitAsync(cancellationToken);
        return "done";
    }

    private static async Task<string> ProgressAsync(ToolCall call, CancellationToken cancellationToken)
    {
        var steps = call.Number("steps", 1, 10_000) ?? 3;
        var pause = call.Number("ms", 0, MaxMilliseconds) ?? 0;
        for (var step = 1; step <= steps; step++)
        {
            await call.ProgressAsync(step, steps);
            if (pause > 0) await call.WaitAsync(pause, cancellationToken);
        }

        return $"{Text(steps)} steps";
    }

    private static Task<string> ExecuteAsync(ToolCall call, CancellationToken cancellationToken) => Task.FromResult($"{call.Text("call_id")} {Text(call.Executions)}");

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
