using System.ComponentModel;
using Agents.Runs;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Agents.Api.Submit;

/// <summary>Runs as resources: <c>/api/v1/runs</c>.</summary>
internal static class RunEndpoints
{
    public static void MapRuns(this IEndpointRouteBuilder endpoints)
    {
        var runs = endpoints.MapGroup("/api/v1/runs").WithTags("Runs");
        runs.MapPost("", SubmitAsync).WithSummary("Make a run")
            .WithDescription("Stores the run and answers at once; a worker takes it. Follow it with the events of the run.")
            .ProducesValidationProblem().ProducesProblem(413).ProducesProblem(415);
        runs.MapGet("", ListAsync).WithSummary("List the runs, newest first")
            .WithDescription("The agents come without their results; GET /api/v1/runs/{id} has them.")
            .ProducesValidationProblem();
        runs.MapGet("{id}", GetAsync).WithSummary("Read a run").ProducesProblem(404);
        runs.MapDelete("{id}", DeleteAsync).WithSummary("Delete an ended run with all that belongs to it").ProducesProblem(404).ProducesProblem(409);
        runs.MapPost("{id}/cancel", CancelAsync).WithSummary("Cancel a run")
            .WithDescription("202: its worker has been told and ends it within a second. 200: it has ended.").ProducesProblem(404);
        runs.MapGet("{id}/tool-calls/{number:int}", GetToolCallAsync).WithSummary("Read a tool call with its whole result").ProducesProblem(404);
    }

    private static async Task<Results<Accepted<AgentRun>, ProblemHttpResult>> SubmitAsync(
        JsonBody<SubmitRun> body, RunSubmission submission, CancellationToken cancellationToken)
    {
        if (body.Problem is not null)
            return body.Problem;
        var (run, errors) = await submission.SubmitAsync(body.Value!, cancellationToken);
        return run is null ? Problems.Invalid(errors) : TypedResults.Accepted($"/api/v1/runs/{run.Id}", run);
    }

    private static async Task<Results<Ok<RunPage>, ProblemHttpResult>> ListAsync(
        [Description("Only runs in this state.")] string? state,
        [Description("At most so many, 1 to 200; 50 by default.")] string? limit,
        [Description("'next' of the page before.")] string? cursor,
        IRunStore store,
        CancellationToken cancellationToken)
    {
        var (filter, errors) = RunQuery.Parse(state, limit, cursor);
        if (errors.Count > 0)
            return Problems.Invalid(errors);
        try
        {
            return TypedResults.Ok(await store.ListAsync(filter, cancellationToken));
        }
        catch (FormatException notOurs)
        {
            return Problems.Invalid("cursor", notOurs.Message);
        }
    }

    private static async Task<Results<Ok<AgentRun>, ProblemHttpResult>> GetAsync(string id, IRunStore store, CancellationToken cancellationToken) =>
        await store.GetAsync(id, cancellationToken) is { } run ? TypedResults.Ok(run) : Problems.NoRun(id);

    private static async Task<Results<Ok<AgentRun>, Accepted<AgentRun>, ProblemHttpResult>> CancelAsync(
        string id, IRunStore store, CancellationToken cancellationToken)
    {
        if (await store.RequestCancelAsync(id, cancellationToken) is not { } run)
            return Problems.NoRun(id);
        return run.State.IsEnded() ? TypedResults.Ok(run) : TypedResults.Accepted($"/api/v1/runs/{id}", run);
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(string id, IRunStore store, CancellationToken cancellationToken) =>
        await store.DeleteAsync(id, cancellationToken) switch
        {
            RunDeletion.Deleted => TypedResults.NoContent(),
            RunDeletion.NotFound => Problems.NoRun(id),
            _ => Problems.Of(StatusCodes.Status409Conflict, $"Run '{id}' has not ended. POST /api/v1/runs/{id}/cancel first."),
        };

    private static async Task<Results<Ok<ToolCallRecord>, ProblemHttpResult>> GetToolCallAsync(
        string id, int number, IRunStore store, CancellationToken cancellationToken) =>
        await store.GetToolCallAsync(id, number, cancellationToken) is { } call
            ? TypedResults.Ok(call)
            : Problems.Of(StatusCodes.Status404NotFound, $"There is no tool call {number} in a run '{id}'. The run's tool.call events tell the numbers.");
}
