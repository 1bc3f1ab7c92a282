using System.ComponentModel;
using Agents.Api.Catalog;
using Agents.Api.Submit;
using Agents.Runs;
using Microsoft.AspNetCore.Mvc;

namespace Agents.Api.Stream;

/// <summary>The ways in for clients that come with a protocol of their own: a question makes a run, and the answer is the run's stream.</summary>
internal static class ChatEndpoints
{
    public static void MapChats(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapPost("/api/v1/chat", AskAsync).WithTags("Clients").WithSummary("Ask, as the Vercel AI SDK does (DefaultChatTransport)")
            .WithDescription("Makes a run in the conversation 'id' and streams it as UI message stream, version 1. Closing the stream does not cancel the run: POST /api/v1/runs/{id}/cancel does; the message's id is the run's.")
            .Produces(200, contentType: StreamFormats.MediaType).ProducesValidationProblem().ProducesProblem(413).ProducesProblem(415).ProducesProblem(422).ProducesProblem(429);
        endpoints.MapGet("/api/v1/chat/{id}/stream", ResumeAsync).WithTags("Clients").WithSummary("Resume a chat's stream, as the Vercel AI SDK does (resumeStream)")
            .WithDescription("The newest run of the conversation from its begin, or from Last-Event-ID or ?after=. 204: none is under way.")
            .Produces(200, contentType: StreamFormats.MediaType).Produces(204).ProducesValidationProblem();
        endpoints.MapPost("/api/v1/ag-ui", RunAsync).WithTags("Clients").WithSummary("Ask, as AG-UI clients do (HttpAgent)")
            .WithDescription("Makes a run in the conversation 'threadId' and streams it as AG-UI events. Its repository, agents and so on come in 'forwardedProps'. Closing the stream does not cancel the run.")
            .Produces(200, contentType: StreamFormats.MediaType).ProducesValidationProblem().ProducesProblem(413).ProducesProblem(415).ProducesProblem(422).ProducesProblem(429);
    }

    private static async Task<IResult> AskAsync(
        JsonBody<ChatRequest> body,
        [FromHeader(Name = IdempotencyKey.Header), Description(IdempotencyKey.Use)] string? idempotencyKey,
        HttpContext context,
        RepositoryCatalog repositories,
        RunSubmission submission,
        EventStream stream) => body.Problem is { } problem
            ? problem
            : await StreamAsync(body.Value!.ToRun(repositories), idempotencyKey, ChatRequest.InItsWords, StreamFormats.UiMessage, context, submission, stream);

    private static async Task<IResult> RunAsync(
        JsonBody<AgUiRequest> body,
        [FromHeader(Name = IdempotencyKey.Header), Description(IdempotencyKey.Use)] string? idempotencyKey,
        HttpContext context,
        RepositoryCatalog repositories,
        RunSubmission submission,
        EventStream stream) => body.Problem is { } problem
            ? problem
            : await StreamAsync(body.Value!.ToRun(repositories), idempotencyKey, AgUiRequest.InItsWords, StreamFormats.AgUi, context, submission, stream);

    private static async Task<IResult> ResumeAsync(
        string id,
        [Description("Only what comes after the event with this id; Last-Event-ID counts for more.")] string? after,
        HttpContext context,
        IRunStore store,
        EventStream stream)
    {
        if (StreamPosition.Of(context.Request, after, out var position) is { } wrong)
            return Problems.Invalid([wrong]);
        var newest = await store.ListAsync(new RunFilter { ConversationId = id, Owner = context.User.Owner(), Limit = 1 }, context.RequestAborted);
        if (newest.Runs is not [var run] || run.State.IsEnded())
            return TypedResults.NoContent();
        await stream.SendAsync(context, run.Id, StreamFormats.Of(StreamFormats.UiMessage, run), position);
        return TypedResults.Empty;
    }

    private static async Task<IResult> StreamAsync(
        SubmitRun request, string? idempotencyKey, Func<FieldError, FieldError> words, string format, HttpContext context, RunSubmission submission, EventStream stream)
    {
        var (run, problem, _) = await submission.SubmitAsync(request, idempotencyKey, context.User.Owner(), words, context.RequestAborted);
        if (run is null)
            return problem!;

        context.Response.Headers.Location = $"/api/v1/runs/{run.Id}";
        await stream.SendAsync(context, run.Id, StreamFormats.Of(format, run), StreamPosition.Begin);
        return TypedResults.Empty;
    }
}
