using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Agents.Worker.Models.OpenAi;

/// <summary>Puts the pieces of streamed tool calls together.</summary>
/// <remarks>
/// A piece belongs to the call with its <c>id</c>; without one, to the latest call at its <c>index</c>.
/// The index alone does not tell calls apart: Ollama sends every parallel call with index 0.
/// </remarks>
internal sealed class StreamedCalls
{
    private readonly List<Call> _calls = [];

    public bool Any => _calls.Count > 0;

    public void Add(JsonElement piece)
    {
        var id = Text(piece, "id");
        var index = piece.TryGetProperty("index", out var i) && i.TryGetInt32(out var number) ? number : 0;
        var function = piece.TryGetProperty("function", out var f) ? f : default;
        var name = Text(function, "name");

        var call = Find(id, index, name);
        if (call is null) _calls.Add(call = new Call { Id = id, Index = index });
        if (call.Name.Length == 0 && name is not null) call.Name = name;
        call.Arguments.Append(Arguments(function));
    }

    public IEnumerable<FunctionCallContent> Complete() => _calls.Select(call => call.ToContent());

    private Call? Find(string? id, int index, string? name)
    {
        if (id is not null && _calls.FindLast(c => c.Id == id) is { } known) return known;
        var latest = _calls.FindLast(c => c.Index == index);
        if (latest is null) return null;
        if (id is not null) return latest.Id is null && latest.Name.Length == 0 ? latest : null;
        return name is not null && latest.IsComplete ? null : latest;
    }

    // Some servers send the arguments as an object instead of as text.
    private static string? Arguments(JsonElement function) =>
        function.ValueKind != JsonValueKind.Object || !function.TryGetProperty("arguments", out var value) ? null
        : value.ValueKind switch
        {
            JsonValueKind.String => value.GetString(),
            JsonValueKind.Object => value.GetRawText(),
            _ => null,
        };

    private static string? Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value)
        && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text ? text : null;

    private sealed class Call
    {
        public string? Id { get; init; }
        public int Index { get; init; }
        public string Name { get; set; } = "";
        public StringBuilder Arguments { get; } = new();

        public bool IsComplete => Name.Length > 0 && Parse() is { };

        public FunctionCallContent ToContent()
        {
            var id = Id ?? $"call_{Guid.NewGuid():N}";
            if (Parse() is { } arguments) return new FunctionCallContent(id, Name, arguments);
            var error = new JsonException($"The arguments of '{Name}' are not a JSON object: {Shorten(Arguments.ToString())}");
            return new FunctionCallContent(id, Name) { Exception = error };
        }

        private Dictionary<string, object?>? Parse()
        {
            var text = Arguments.ToString();
            if (string.IsNullOrWhiteSpace(text)) return [];
            try
            {
                return JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(text)?.ToDictionary(p => p.Key, object? (p) => p.Value);
            }
            catch (JsonException)
            {
                return null;
            }
        }

        private static string Shorten(string text) => text.Length <= 200 ? text : text[..200] + "…";
    }
}
