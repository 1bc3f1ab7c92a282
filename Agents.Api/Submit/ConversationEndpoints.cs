using System.ComponentModel;
using System.Globalization;
using System.Security.Claims;
using Agents.Runs;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Agents.Api.Submit;

/// <summary>What was asked and answered in a conversation.</summary>
/// <param name="Id">The conversation's name, as its runs gave it.</param>
/// <param name="Turns">Its last runs that ended, oldest first.</param>
internal sealed record Conversation(string Id, IReadOnlyList<ConversationTurn> Turns);

/// <summary>One run of a conversation.</summary>
/// <param name="RunId">The run.</param>
/// <param name="State">How it ended.</param>
/// <param name="Query">What was asked.</param>
/// <param name="Answers">What each agent answered, by its name; those that gave no answer are left out.</param>
/// <param name="EndedAt">When it ended.</param>
internal sealed record ConversationTurn(string RunId, RunState State, string Query, IReadOnlyDictionary<string, string> Answers, DateTimeOffset EndedAt);

/// <summary>Conversations: what runs with the same <c>conversation_id</c> have said. The next run of one is told it.</summary>
internal static class ConversationEndpoints
{
    private const int DefaultTurns = 20;

    public static void MapConversations(this IEndpointRouteBuilder endpoints) => endpoints.MapGet("/api/v1/conversations/{id}", ReadAsync).WithTags("Runs")
        .WithSummary("Read what was asked and answered in a conversation")
        .WithDescription("The caller's own runs with this conversation_id. One that nobody spoke in yet has no turns. GET /api/v1/runs?conversation_id= lists the runs themselves.")
        .ProducesValidationProblem();

    private static async Task<Results<Ok<Conversation>, ProblemHttpResult>> ReadAsync(
        string id, [Description("The last so many runs, 1 to 200; 20 by default.")] string? limit, ClaimsPrincipal caller, IRunStore store, CancellationToken cancellationToken)
    {
        var turns = DefaultTurns;
        if (!string.IsNullOrEmpty(limit)
            && (!int.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out turns) || turns is < 1 or > RunFilter.MaxLimit))
        {
            return Problems.Invalid("limit", $"'{limit}' is not a number from 1 to {RunFilter.MaxLimit}.");
        }

        var runs = await store.ReadConversationAsync(caller.Owner(), id, turns, cancellationToken);
        return TypedResults.Ok(new Conversation(id, [.. runs.Select(TurnOf)]));
    }

    private static ConversationTurn TurnOf(AgentRun run) => new(
        run.Id,
        run.State,
        run.Query,
        run.Agents.Where(agent => agent.Result is not null).ToDictionary(agent => agent.Name, agent => agent.Result!.Content),
        run.EndedAt!.Value);
}
