using System.ComponentModel;
using Agents.Api.Catalog;
using Agents.Runs;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Agents.Api.Submit;

/// <summary>The tool calls of a run.</summary>
/// <param name="ToolCalls">In their order, without their results, which may be long.</param>
internal sealed record ToolCallList(IReadOnlyList<ToolCallRecord> ToolCalls);

/// <summary>Runs as resources: <c>/api/v1/runs</c>.</summary>
internal static class RunEndpoints
{
    private static readonly TimeSpan DeletePatience = TimeSpan.FromSeconds(5);

    public static void MapRuns(this IEndpointRouteBuilder endpoints)
    {
        var runs = endpoints.MapGroup("/api/v1/runs").WithTags("Runs");
        runs.MapPost("", SubmitAsync).WithSummary("Make a run")
            .WithDescription("""
                Stores the run and answers 202 at once; a worker takes it. Follow it with the events of the run. With 'Prefer: wait=N' the answer
                comes when the run has ended (200), after N seconds at the latest (202). A request that is repeated with its Idempotency-Key gets
                the run that the first one made (200, 'Idempotent-Replayed: true'); with another body 422. 429: too many runs wait for a worker.
                """)
            .ProducesValidationProblem().ProducesProblem(413).ProducesProblem(415).ProducesProblem(422).ProducesProblem(429);
        runs.MapGet("", ListAsync).WithSummary("List the runs, newest first")
            .WithDescription("""
                The agents come without their results; GET /api/v1/runs/{id} has them. Filters are combined. The order is that in which runs were
                made and does not change; a page begins where the one before ended, whatever was made or deleted meanwhile.
                """)
            .ProducesValidationProblem();
        runs.MapGet("{id}", GetAsync).WithSummary("Read a run")
            .WithDescription("With 'Prefer: wait=N' the answer comes when the run has ended, after N seconds at the latest.")
            .ProducesValidationProblem().ProducesProblem(404);
        runs.MapDelete("{id}", DeleteAsync).WithSummary("Delete a run with all that belongs to it")
            .WithDescription("One that has not ended is cancelled first. 409: its worker has been told and has not stopped within 5 s; ask again.")
            .ProducesProblem(404).ProducesProblem(409);
        runs.MapPost("{id}/cancel", CancelAsync).WithSummary("Cancel a run")
            .WithDescription("202: its worker has been told and ends it within a second. 200: it has ended.").ProducesProblem(404);
        runs.MapGet("{id}/tool-calls", ListToolCallsAsync).WithSummary("List a run's tool calls, without their results").ProducesProblem(404);
        runs.MapGet("{id}/tool-calls/{number:int}", GetToolCallAsync).WithSummary("Read a tool call with its whole result").ProducesProblem(404);
    }

    private static async Task<Results<Accepted<AgentRun>, Ok<AgentRun>, ProblemHttpResult>> SubmitAsync(
        JsonBody<SubmitRun> body,
        [FromHeader(Name = IdempotencyKey.Header), Description(IdempotencyKey.Use)] string? idempotencyKey,
        [FromHeader(Name = Preference.Header), Description(Preference.Use)] string? prefer,
        HttpContext context,
        RunSubmission submission,
        RunCompletion completion,
        CancellationToken cancellationToken)
    {
        if (body.Problem is not null)
            return body.Problem;
        var patience = Preference.Wait(prefer, out var wrong);
        if (wrong is not null)
            return Problems.Invalid([wrong]);
        var (run, problem, repeated) = await submission.SubmitAsync(body.Value!, idempotencyKey, context.User.Owner(), words: null, cancellationToken);
        if (run is null)
            return problem!;

        context.Response.Headers.Location = Path(run.Id);
        if (repeated)
            context.Response.Headers["Idempotent-Replayed"] = "true";
        run = await HeedAsync(patience, run, context, completion, cancellationToken);
        return repeated || (patience is not null && run.State.IsEnded()) ? TypedResults.Ok(run) : TypedResults.Accepted(Path(run.Id), run);
    }

    /// <summary>Waits for the run's end if the client prefers that. Who deletes it meanwhile still gets what was known.</summary>
    private static async Task<AgentRun> HeedAsync(TimeSpan? patience, AgentRun run, HttpContext context, RunCompletion completion, CancellationToken cancellationToken)
    {
        if (patience is not { } wait)
            return run;
        context.Response.Headers[Preference.Applied] = $"wait={wait.TotalSeconds:0}";
        return run.State.IsEnded() ? run : await completion.WaitAsync(run.Id, wait, cancellationToken) ?? run;
    }

    private static async Task<Results<Ok<RunPage>, ProblemHttpResult>> ListAsync(
        [AsParameters] RunQuery query, HttpContext context, RepositoryCatalog repositories, IRunStore store, CancellationToken cancellationToken)
    {
        var (filter, errors) = query.Parse(context.Request.Query.Keys, repositories, context.User.Owner());
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

    private static async Task<Results<Ok<AgentRun>, ProblemHttpResult>> GetAsync(
        string id,
        [FromHeader(Name = Preference.Header), Description(Preference.Use)] string? prefer,
        HttpContext context,
        IRunStore store,
        RunCompletion completion,
        CancellationToken cancellationToken)
    {
        var patience = Preference.Wait(prefer, out var wrong);
        if (wrong is not null)
            return Problems.Invalid([wrong]);
        context.Response.Headers.Vary = Preference.Header;
        return await store.GetAsync(id, cancellationToken) is { } run
            ? TypedResults.Ok(await HeedAsync(patience, run, context, completion, cancellationToken))
            : Problems.NoRun(id);
    }

    private static async Task<Results<Ok<AgentRun>, Accepted<AgentRun>, ProblemHttpResult>> CancelAsync(
        string id, IRunStore store, CancellationToken cancellationToken)
    {
        if (await store.RequestCancelAsync(id, cancellationToken) is not { } run)
            return Problems.NoRun(id);
        return run.State.IsEnded() ? TypedResults.Ok(run) : TypedResults.Accepted(Path(id), run);
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        string id, HttpContext context, IRunStore store, RunCompletion completion, CancellationToken cancellationToken)
    {
        var deletion = await store.DeleteAsync(id, cancellationToken);
        if (deletion == RunDeletion.NotEnded && await store.RequestCancelAsync(id, cancellationToken) is { } run)
        {
            if (!run.State.IsEnded())
                await completion.WaitAsync(id, DeletePatience, cancellationToken);
            deletion = await store.DeleteAsync(id, cancellationToken);
        }

        if (deletion == RunDeletion.NotEnded)
        {
            context.Response.Headers.RetryAfter = "5";
            return Problems.Of(StatusCodes.Status409Conflict, $"Run '{id}' is being cancelled: its worker has not stopped yet. Delete it again in some seconds.");
        }

        return deletion == RunDeletion.Deleted ? TypedResults.NoContent() : Problems.NoRun(id);
    }

    private static async Task<Results<Ok<ToolCallList>, ProblemHttpResult>> ListToolCallsAsync(string id, IRunStore store, CancellationToken cancellationToken) =>
        await store.GetAsync(id, cancellationToken) is null
            ? Problems.NoRun(id)
            : TypedResults.Ok(new ToolCallList([.. (await store.ListToolCallsAsync(id, cancellationToken)).Select(call => call with { Result = null })]));

    private static async Task<Results<Ok<ToolCallRecord>, ProblemHttpResult>> GetToolCallAsync(
        string id, int number, IRunStore store, CancellationToken cancellationToken) =>
        await store.GetToolCallAsync(id, number, cancellationToken) is { } call
            ? TypedResults.Ok(call)
            : Problems.Of(StatusCodes.Status404NotFound, $"There is no tool call {number} in a run '{id}'. The run's tool.call events tell the numbers.");

    private static string Path(string id) => $"/api/v1/runs/{id}";
}
