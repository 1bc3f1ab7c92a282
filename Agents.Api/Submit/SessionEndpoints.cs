using System.ComponentModel;
using System.Security.Claims;
using Agents.Api.Stream;
using Agents.Runs;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Agents.Api.Submit;

/// <summary>The original system's routes, as thin adapters over runs: a session is a run.</summary>
internal static class SessionEndpoints
{
    /// <summary>What takes longer than this is answered as started.</summary>
    private static readonly TimeSpan Patience = Preference.MaxWait;

    private static readonly TimeSpan CancelPatience = TimeSpan.FromSeconds(5);

    public static void MapSessions(this IEndpointRouteBuilder endpoints)
    {
        var agents = endpoints.MapGroup("/api/v1/agents").WithTags("Agents");
        agents.MapPost("execute", ExecuteAsync).WithSummary("Ask agents and wait for their results")
            .WithDescription("202 'started' when run_in_background is true or the agents take longer than 200 s; the session tells the rest.")
            .ProducesValidationProblem().ProducesProblem(413).ProducesProblem(415).ProducesProblem(422).ProducesProblem(429);
        agents.MapPost("execute/single", SingleAsync).WithSummary("Ask one agent")
            .WithDescription("Streams the run's events, or waits for the result when enable_streaming is false.")
            .Produces<SingleAnswer>(200, "application/json", "text/event-stream").Produces<SingleAnswer>(202)
            .ProducesValidationProblem().ProducesProblem(413).ProducesProblem(415).ProducesProblem(422).ProducesProblem(429);
        agents.MapGet("session/{id}", GetAsync).WithSummary("Read a session").ProducesProblem(404);
        agents.MapDelete("session/{id}", CancelAsync).WithSummary("Cancel a session").ProducesProblem(404);
    }

    private static async Task<Results<Ok<ExecuteAnswer>, Accepted<ExecuteAnswer>, ProblemHttpResult>> ExecuteAsync(
        JsonBody<ExecuteAgents> body,
        [FromHeader(Name = IdempotencyKey.Header), Description(IdempotencyKey.Use)] string? idempotencyKey,
        ClaimsPrincipal caller,
        RunSubmission submission,
        RunCompletion completion,
        CancellationToken cancellationToken)
    {
        if (body.Problem is not null)
            return body.Problem;
        var (run, problem, _) = await submission.SubmitAsync(body.Value!.ToRun(), idempotencyKey, caller.Owner(), ExecuteAgents.InItsWords, cancellationToken);
        if (run is null)
            return problem!;

        var patience = body.Value.RunInBackground ? TimeSpan.Zero : Patience;
        var answer = ExecuteAnswer.Of(await WaitAsync(completion, run, patience, cancellationToken));
        return answer.Results is null ? TypedResults.Accepted(SessionPath(run.Id), answer) : TypedResults.Ok(answer);
    }

    private static async Task<IResult> SingleAsync(
        JsonBody<ExecuteSingle> body,
        [FromHeader(Name = IdempotencyKey.Header), Description(IdempotencyKey.Use)] string? idempotencyKey,
        HttpContext context,
        RunSubmission submission,
        RunCompletion completion,
        EventStream stream)
    {
        if (body.Problem is not null)
            return body.Problem;
        if (string.IsNullOrWhiteSpace(body.Value!.AgentType))
            return Problems.Invalid("agent_type", $"is missing. Known are: {string.Join(", ", BuiltInAgents.All.Select(agent => agent.Name))}.");
        var (run, problem, _) = await submission.SubmitAsync(body.Value.ToRun(), idempotencyKey, context.User.Owner(), ExecuteSingle.InItsWords, context.RequestAborted);
        if (run is null)
            return problem!;

        context.Response.Headers.Location = SessionPath(run.Id);
        if (body.Value.EnableStreaming)
        {
            await stream.SendAsync(context, run.Id);
            return TypedResults.Empty;
        }

        var answer = SingleAnswer.Of(await WaitAsync(completion, run, Patience, context.RequestAborted));
        return answer.Result is null ? TypedResults.Accepted(SessionPath(run.Id), answer) : TypedResults.Ok(answer);
    }

    private static async Task<Results<Ok<SessionAnswer>, ProblemHttpResult>> GetAsync(string id, IRunStore store, CancellationToken cancellationToken) =>
        await store.GetAsync(id, cancellationToken) is { } run ? TypedResults.Ok(SessionAnswer.Of(run)) : NoSession(id);

    private static async Task<Results<Ok<CancelAnswer>, Accepted<CancelAnswer>, ProblemHttpResult>> CancelAsync(
        string id, IRunStore store, RunCompletion completion, CancellationToken cancellationToken)
    {
        if (await store.RequestCancelAsync(id, cancellationToken) is not { } run)
            return NoSession(id);
        run = await WaitAsync(completion, run, CancelPatience, cancellationToken);
        return run.State.IsEnded()
            ? TypedResults.Ok(new CancelAnswer(RunsJson.Word(run.State), id))
            : TypedResults.Accepted(SessionPath(id), new CancelAnswer("cancelling", id));
    }

    /// <summary>The run when it ended or patience did. Who deletes it meanwhile still gets what was known.</summary>
    private static async Task<AgentRun> WaitAsync(RunCompletion completion, AgentRun run, TimeSpan patience, CancellationToken cancellationToken) =>
        run.State.IsEnded() || patience == TimeSpan.Zero ? run : await completion.WaitAsync(run.Id, patience, cancellationToken) ?? run;

    private static string SessionPath(string id) => $"/api/v1/agents/session/{id}";

    private static ProblemHttpResult NoSession(string id) =>
        Problems.Of(StatusCodes.Status404NotFound, $"There is no session '{id}'. GET /api/v1/runs lists the runs there are.");
}
