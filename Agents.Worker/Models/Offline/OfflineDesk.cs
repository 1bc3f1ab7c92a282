using System.Text.Json;
using Agents.Runs;
using Agents.Worker.Loop;
using Microsoft.Extensions.AI;

namespace Agents.Worker.Models.Offline;

/// <summary>What the offline client has before it: the question, the tools on offer, and the results so far. Read anew from the messages each turn.</summary>
internal sealed class OfflineDesk
{
    private readonly Dictionary<string, AIFunctionDeclaration> _tools = new(StringComparer.Ordinal);
    private readonly List<ToolRequest> _results;
    private int _calls;

    public OfflineDesk(IEnumerable<ChatMessage> messages, ChatOptions? options)
    {
        var all = messages.ToList();
        Agent = Hint(options, ModelHints.Agent);
        Repository = Hint(options, ModelHints.Repository);
        OutputField = Hint(options, ModelHints.OutputField) is { Length: > 0 } field ? field : null;
        Question = new Question(Hint(options, ModelHints.Query));
        var tools = options is { Tools: { } listed, ToolMode: not NoneChatToolMode } ? listed.OfType<AIFunctionDeclaration>() : [];
        foreach (var tool in tools) _tools.TryAdd(ToolNames.Bare(tool.Name), tool);
        Round = all.Count(message => message.Contents.OfType<FunctionCallContent>().Any());
        _results = [.. all.SelectMany(m => m.Contents).OfType<FunctionResultContent>().Select(c => c.RawRepresentation).OfType<ToolRequest>()];
    }

    public string Agent { get; }

    public string Repository { get; }

    public Question Question { get; }

    /// <summary>The field of the agent's result beside the text; null without.</summary>
    public string? OutputField { get; }

    /// <summary>Turns with tool calls so far.</summary>
    public int Round { get; }

    public bool HasTools => _tools.Count > 0;

    public bool HasResults => _results.Any(result => result.Worked);

    /// <summary>The calls that gave nothing, and why.</summary>
    public IEnumerable<(string Tool, string Why)> Failures =>
        _results.Where(result => !result.Worked).Select(result => (ToolNames.Bare(result.Tool), FirstLine(result.Result ?? "")));

    /// <summary>How the results of a tool that works by a named method were found.</summary>
    public string? Method(string tool) => All<JsonElement>(tool).Select(e => e.TryGetProperty("method", out var m) ? m.GetString() : null).FirstOrDefault();

    /// <summary>The first result of a tool; null when it gave none.</summary>
    public T? First<T>(string tool) where T : class => All<T>(tool).FirstOrDefault();

    /// <summary>Every result of a tool that can be read as <typeparamref name="T"/>.</summary>
    public IEnumerable<T> All<T>(string tool)
    {
        foreach (var result in _results.Where(result => result.Worked && result.Structured is not null && ToolNames.Bare(result.Tool) == tool))
        {
            if (Read<T>(result.Structured!.Value) is { } value) yield return value;
        }
    }

    /// <summary>A call of a tool, with the arguments it declares; null when the tool is not on offer.</summary>
    public FunctionCallContent? Call(string tool, params ReadOnlySpan<(string Name, object Value)> arguments)
    {
        if (!_tools.TryGetValue(tool, out var declaration)) return null;
        var declared = declaration.JsonSchema.TryGetProperty("properties", out var properties) ? properties : default;
        var given = new Dictionary<string, object?>();
        foreach (var (name, value) in (ReadOnlySpan<(string, object)>)[("repository", Repository), .. arguments])
            if (declared.ValueKind == JsonValueKind.Object && declared.TryGetProperty(name, out _)) given[name] = value;
        return new FunctionCallContent($"offline_{Round + 1}_{++_calls}", declaration.Name, given);
    }

    private static T? Read<T>(JsonElement element)
    {
        try
        {
            return element.Deserialize<T>(RunsJson.Options);
        }
        catch (JsonException)
        {
            return default;
        }
    }

    private static string Hint(ChatOptions? options, string key) =>
        options?.AdditionalProperties is { } hints && hints.TryGetValue(key, out var value) ? value as string ?? "" : "";

    private static string FirstLine(string text) => text.Split('\n', 2)[0];
}
