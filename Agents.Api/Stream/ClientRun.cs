using System.Text.Json;
using Agents.Api.Catalog;
using Agents.Api.Submit;
using Agents.Runs;

namespace Agents.Api.Stream;

/// <summary>What a run may be told beside the question, by clients whose own protocol has no words for it.</summary>
internal record ClientRun
{
    /// <summary>The repository's configured name; may be left out where there is only one.</summary>
    public string? Repository { get; init; }

    /// <summary>The agents to ask; by default simplifier, tester, convo_starter and summarizer.</summary>
    public IReadOnlyList<string>? Agents { get; init; }

    /// <summary>What to look at and how.</summary>
    public RunInput? Input { get; init; }

    /// <summary>The limits of each agent; what is left out keeps its default.</summary>
    public RunBudget? Budget { get; init; }

    /// <summary>Which tools may be used; by default all.</summary>
    public RunTools? Tools { get; init; }

    /// <summary>Labels that are given back unchanged; at most 50.</summary>
    public IReadOnlyDictionary<string, string>? Metadata { get; init; }

    /// <summary>The run that is asked for.</summary>
    public static SubmitRun Submit(ClientRun? run, string? query, string? conversation, RepositoryCatalog repositories) => new()
    {
        Repository = run?.Repository ?? (repositories.All is [var only] ? only.Name : null),
        Query = query,
        ConversationId = conversation,
        Agents = run?.Agents,
        Input = run?.Input,
        Budget = run?.Budget,
        Tools = run?.Tools,
        Metadata = run?.Metadata,
    };

    /// <summary>What the last of some messages asks, if it is a user's: its text, or the text parts of it.</summary>
    /// <param name="messages">A list of messages.</param>
    /// <param name="content">The member that has the text or the parts.</param>
    public static string? Question(JsonElement? messages, string content)
    {
        if (messages is not { ValueKind: JsonValueKind.Array } list || list.GetArrayLength() == 0)
            return null;
        var last = list[list.GetArrayLength() - 1];
        if (Member(last, "role") is not "user" || !last.TryGetProperty(content, out var said))
            return null;
        return said.ValueKind switch
        {
            JsonValueKind.String => said.GetString(),
            JsonValueKind.Array => string.Join('\n', said.EnumerateArray().Where(part => Member(part, "type") == "text").Select(part => Member(part, "text"))),
            _ => null,
        };
    }

    /// <summary>A text member of an object; null where there is none.</summary>
    public static string? Member(JsonElement value, string name) =>
        value.ValueKind == JsonValueKind.Object && value.TryGetProperty(name, out var member) && member.ValueKind == JsonValueKind.String ? member.GetString() : null;
}
