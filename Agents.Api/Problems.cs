using Agents.Runs;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.WebUtilities;

namespace Agents.Api;

/// <summary>Every error of this service, as RFC 9457 problem details.</summary>
internal static class Problems
{
    /// <summary>After how many seconds a client that was told to come back may do so.</summary>
    private const string RetryAfterSeconds = "5";

    public static ProblemHttpResult Of(int status, string detail) =>
        TypedResults.Problem(detail, statusCode: status, title: ReasonPhrases.GetReasonPhrase(status));

    /// <summary>400 with the errors of each field.</summary>
    public static ProblemHttpResult Invalid(IEnumerable<FieldError> errors)
    {
        var byField = errors.GroupBy(error => error.Field).ToDictionary(group => group.Key, group => group.Select(error => error.Message).ToArray());
        return TypedResults.Problem(new HttpValidationProblemDetails(byField)
        {
            Status = StatusCodes.Status400BadRequest,
            Title = ReasonPhrases.GetReasonPhrase(StatusCodes.Status400BadRequest),
            Detail = string.Join(" ", byField.Select(field => $"{field.Key}: {string.Join(" ", field.Value)}")),
        });
    }

    public static ProblemHttpResult Invalid(string field, string message) => Invalid([new FieldError(field, message)]);

    /// <summary>422 (draft-ietf-httpapi-idempotency-key-header, 2.7).</summary>
    public static ProblemHttpResult KeyReused() => Of(
        StatusCodes.Status422UnprocessableEntity, "This Idempotency-Key was used for another request. Send the same request again, or use a new key.");

    public static ProblemHttpResult QueueFull(long waiting) => Of(
        StatusCodes.Status429TooManyRequests, $"{waiting} runs wait for a worker already; more are taken once it is fewer than Runs:MaxQueued. Try again later, or start more workers.");

    public static ProblemHttpResult NoRun(string id) =>
        Of(StatusCodes.Status404NotFound, $"There is no run '{id}'. GET /api/v1/runs lists the runs there are.");

    /// <summary>Gives answers without a body (unknown route, wrong method) and unforeseen exceptions their problem details.</summary>
    public static WebApplication UseProblems(this WebApplication app)
    {
        app.UseExceptionHandler(new ExceptionHandlerOptions
        {
            ExceptionHandler = context => Thrown(context.Features.Get<IExceptionHandlerFeature>()?.Error).ExecuteAsync(context),
            SuppressDiagnosticsCallback = context => context.Exception is BadHttpRequestException,
        });
        app.Use((context, next) =>
        {
            context.Response.OnStarting(SayWhenToComeBack, context.Response);
            return next(context);
        });
        app.UseStatusCodePages(pages => Empty(pages.HttpContext).ExecuteAsync(pages.HttpContext));
        return app;
    }

    private static Task SayWhenToComeBack(object state)
    {
        var response = (HttpResponse)state;
        if (response.StatusCode is StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable && response.Headers.RetryAfter.Count == 0)
            response.Headers.RetryAfter = RetryAfterSeconds;
        return Task.CompletedTask;
    }

    private static ProblemHttpResult Thrown(Exception? error) => error switch
    {
        BadHttpRequestException bad => Of(bad.StatusCode, bad.Message),
        RunStoreUnavailableException => Of(StatusCodes.Status503ServiceUnavailable, "The store of runs does not answer; try again in some seconds."),
        _ => Of(StatusCodes.Status500InternalServerError, "The service failed to answer; its log says why."),
    };

    private static ProblemHttpResult Empty(HttpContext context)
    {
        var request = $"{context.Request.Method} {context.Request.Path}";
        return Of(context.Response.StatusCode, context.Response.StatusCode switch
        {
            StatusCodes.Status404NotFound => $"{request} is not served here. /openapi/v1.json lists what is.",
            StatusCodes.Status405MethodNotAllowed => $"{request}: this path takes {context.Response.Headers.Allow} only.",
            _ => $"{request} was refused.",
        });
    }
}
