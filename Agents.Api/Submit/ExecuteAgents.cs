using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using Agents.Runs;

namespace Agents.Api.Submit;

/// <summary>The request of the original system's <c>/execute</c>, read as a run.</summary>
internal record ExecuteRequest
{
    /// <summary>The repository's configured name.</summary>
    [Required]
    public string? RepositoryName { get; init; }

    /// <summary>The question.</summary>
    [Required]
    public string? UserQuery { get; init; }

    /// <summary>Whatever the agents should know; a JSON object.</summary>
    public JsonElement? Context { get; init; }

    /// <summary>Files to look at first, relative to the repository's root.</summary>
    public IReadOnlyList<string>? TargetFiles { get; init; }

    /// <summary>How deep to look, such as <c>moderate</c>.</summary>
    public string? AnalysisDepth { get; init; }

    /// <summary>Kinds of test the tester should propose.</summary>
    public IReadOnlyList<string>? TestTypes { get; init; }

    /// <summary>Kind of documentation wanted.</summary>
    public string? DocumentationType { get; init; }

    protected SubmitRun ToRun(IReadOnlyList<string>? agents)
    {
        var input = new RunInput
        {
            TargetFiles = TargetFiles,
            AnalysisDepth = AnalysisDepth,
            TestTypes = TestTypes,
            DocumentationType = DocumentationType,
        };
        return new SubmitRun
        {
            Repository = RepositoryName,
            Query = UserQuery,
            Agents = agents,
            Context = Context,
            Input = input == new RunInput() ? null : input,
        };
    }
}

/// <summary>Agents to ask, as the original system's clients do.</summary>
internal sealed record ExecuteAgents : ExecuteRequest
{
    /// <summary>The agents; by default simplifier, tester, convo_starter and summarizer.</summary>
    public IReadOnlyList<string>? AgentTypes { get; init; }

    /// <summary>Answer at once with the session's id instead of waiting.</summary>
    public bool RunInBackground { get; init; }

    /// <summary>Taken for compatibility; <c>/execute</c> answers JSON and <c>/execute/streaming</c> streams, whatever it says.</summary>
    public bool EnableStreaming { get; init; } = true;

    public SubmitRun ToRun() => ToRun(AgentTypes);

    /// <summary>An error of the run in the words of this request.</summary>
    public static FieldError InItsWords(FieldError error) => error with
    {
        Field = error.Field switch
        {
            "repository" => "repository_name",
            "query" => "user_query",
            "agents" => "agent_types",
            var field when field.StartsWith("input.", StringComparison.Ordinal) => field["input.".Length..],
            var field => field,
        },
    };
}

/// <summary>One agent to ask, as the original system's clients do.</summary>
internal sealed record ExecuteSingle : ExecuteRequest
{
    /// <summary>The agent.</summary>
    [Required]
    public string? AgentType { get; init; }

    /// <summary>Stream the events (the default), or wait and answer JSON.</summary>
    public bool EnableStreaming { get; init; } = true;

    public SubmitRun ToRun() => ToRun([AgentType ?? ""]);

    /// <summary>An error of the run in the words of this request.</summary>
    public static FieldError InItsWords(FieldError error) =>
        error.Field == "agents" ? error with { Field = "agent_type" } : ExecuteAgents.InItsWords(error);
}
