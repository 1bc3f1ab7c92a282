using System.ComponentModel;
using Agents.Api.Submit;
using Agents.Runs;
using Microsoft.AspNetCore.Mvc;

namespace Agents.Api.Stream;

/// <summary>The events of runs.</summary>
internal static class StreamEndpoints
{
    public static void MapStream(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGet("/api/v1/runs/{id}/events", SendAsync).WithTags("Runs").WithSummary("Follow a run's events (server-sent events)")
            .WithDescription("""
                Each event has the run's own sequence as id; resume with Last-Event-ID or ?after=. The stream ends after run.end; then 204
                answers whoever asks for more. A comment is sent every 10 s. Closing the stream does not cancel the run. Other formats are
                asked for with ?format= or as parameter of the media type (Accept: text/event-stream; format=ag-ui).
                """)
            .Produces<RunEvent>(200, "text/event-stream").Produces(204).ProducesValidationProblem().ProducesProblem(404);
        endpoints.MapPost("/api/v1/agents/execute/streaming", ExecuteAsync).WithTags("Agents").WithSummary("Ask agents and follow their events")
            .WithDescription("The Location header and the first event name the run. Closing the stream does not cancel it.")
            .Produces<RunEvent>(200, "text/event-stream").ProducesValidationProblem().ProducesProblem(413).ProducesProblem(415).ProducesProblem(422).ProducesProblem(429);
    }

    private static async Task<IResult> SendAsync(
        string id,
        [Description("Only what comes after the event with this id; Last-Event-ID counts for more.")] string? after,
        [Description($"One of: {StreamFormats.ForPeople}.")] string? format,
        HttpContext context,
        IRunStore store,
        IRunEvents events,
        EventStream stream)
    {
        if (StreamPosition.Of(context.Request, after, out var position) is { } unread)
            return Problems.Invalid([unread]);
        var name = StreamFormats.Choose(format, context.Request, out var wrong);
        if (wrong is not null)
            return Problems.Invalid([wrong]);

        if (await store.GetAsync(id, context.RequestAborted) is not { } run)
            return Problems.NoRun(id);
        // 204 tells an EventSource not to connect again.
        if (run.State.IsEnded() && (await events.ReadAsync(id, position.Sequence, 1, context.RequestAborted)).Count == 0)
            return TypedResults.NoContent();

        context.Response.Headers.Vary = "Accept";
        await stream.SendAsync(context, id, StreamFormats.Of(name, run), position);
        return TypedResults.Empty;
    }

    private static async Task<IResult> ExecuteAsync(
        JsonBody<ExecuteAgents> body,
        [FromHeader(Name = IdempotencyKey.Header), Description(IdempotencyKey.Use)] string? idempotencyKey,
        HttpContext context,
        RunSubmission submission,
        EventStream stream)
    {
        if (body.Problem is not null)
            return body.Problem;
        var (run, problem, _) = await submission.SubmitAsync(body.Value!.ToRun(), idempotencyKey, context.User.Owner(), ExecuteAgents.InItsWords, context.RequestAborted);
        if (run is null)
            return problem!;

        context.Response.Headers.Location = $"/api/v1/runs/{run.Id}";
        await stream.SendAsync(context, run.Id);
        return TypedResults.Empty;
    }
}
