using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using Agents.Runs;

namespace Agents.Api.Submit;

/// <summary>A run to be made.</summary>
internal sealed record SubmitRun
{
    /// <summary>The repository's configured name.</summary>
    [Required]
    public string? Repository { get; init; }

    /// <summary>The question. At most 20 000 characters.</summary>
    [Required]
    public string? Query { get; init; }

    /// <summary>The agents to ask; by default simplifier, tester, convo_starter and summarizer.</summary>
    public IReadOnlyList<string>? Agents { get; init; }

    /// <summary>Whatever the agents should know; a JSON object.</summary>
    public JsonElement? Context { get; init; }

    /// <summary>What to look at and how.</summary>
    public RunInput? Input { get; init; }

    /// <summary>The limits of each agent; what is left out keeps its default.</summary>
    public RunBudget? Budget { get; init; }

    /// <summary>Which tools may be used; by default all.</summary>
    public RunTools? Tools { get; init; }

    /// <summary>The conversation the run belongs to; at most 200 characters.</summary>
    public string? ConversationId { get; init; }

    /// <summary>Where to tell that the run ended, or that it waits for approval.</summary>
    public RunWebhook? Webhook { get; init; }

    /// <summary>Labels that are given back unchanged; at most 50.</summary>
    public IReadOnlyDictionary<string, string>? Metadata { get; init; }
}
