using Microsoft.Extensions.AI;

namespace Agents.Worker.Models;

/// <summary>What a request is about, for a client that cannot read it from the messages.</summary>
internal static class ModelHints
{
    public const string Agent = "agents.agent";
    public const string Repository = "agents.repository";
    public const string Query = "agents.query";
    public const string OutputField = "agents.output_field";

    public static AdditionalPropertiesDictionary Of(string agent, string repository, string query, string? outputField)
    {
        var hints = new AdditionalPropertiesDictionary { [Agent] = agent, [Repository] = repository, [Query] = query };
        if (outputField is not null) hints[OutputField] = outputField;
        return hints;
    }
}
