using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Serialization;
using Agents.Api.Catalog;
using Agents.Api.Submit;
using Agents.Runs;

namespace Agents.Api.Stream;

/// <summary>AG-UI's <c>RunAgentInput</c>. What later versions add to it is let through unread.</summary>
internal sealed record AgUiRequest
{
    /// <summary>The thread; the conversation its runs belong to.</summary>
    [Required, JsonPropertyName("threadId")]
    public string? ThreadId { get; init; }

    /// <summary>The client's name for the run; its events carry it.</summary>
    [Required, JsonPropertyName("runId")]
    public string? RunId { get; init; }

    /// <summary>The messages of the thread. The last one is the question; what was said before is known by the thread.</summary>
    [Required, JsonPropertyName("messages")]
    public JsonElement? Messages { get; init; }

    /// <summary>What the agents should know: a list of <c>{description, value}</c>.</summary>
    [JsonPropertyName("context")]
    public JsonElement? Context { get; init; }

    /// <summary>The members of a run: <c>repository, agents, input, budget, tools, metadata</c>. Others are let through unread.</summary>
    [JsonPropertyName("forwardedProps")]
    public AgUiProps? ForwardedProps { get; init; }

    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Others { get; init; }

    public SubmitRun ToRun(RepositoryCatalog repositories)
    {
        var labels = new Dictionary<string, string>(ForwardedProps?.Metadata ?? new Dictionary<string, string>());
        if (RunId is not null)
            labels[AgUiFormat.RunLabel] = RunId;
        return ClientRun.Submit(ForwardedProps, ClientRun.Question(Messages, "content"), ThreadId, repositories) with { Context = Known(), Metadata = labels };
    }

    /// <summary>An error of the run in the words of this request.</summary>
    public static FieldError InItsWords(FieldError error) => error.Field switch
    {
        "query" when error.Message.StartsWith("is missing", StringComparison.Ordinal) => new("messages", "must end with a message of the user that has text."),
        "query" => error with { Field = "messages" },
        "conversation_id" => error with { Field = "threadId" },
        "context" => error,
        _ => error with { Field = $"forwardedProps.{error.Field}" },
    };

    private JsonElement? Known()
    {
        if (Context is not { ValueKind: JsonValueKind.Array } entries || entries.GetArrayLength() == 0)
            return null;
        var known = new Dictionary<string, string>();
        foreach (var entry in entries.EnumerateArray())
            known[ClientRun.Member(entry, "description") ?? ""] = ClientRun.Member(entry, "value") ?? "";
        return JsonSerializer.SerializeToElement(known, RunsJson.Options);
    }
}

/// <summary>What an AG-UI client forwards: the members of a run, and others that are none of ours.</summary>
internal sealed record AgUiProps : ClientRun
{
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Others { get; init; }
}
