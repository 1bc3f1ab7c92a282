using System.ComponentModel.DataAnnotations;
using System.Security.Claims;
using Agents.Runs;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Agents.Api.Submit;

/// <summary>Somebody's decision about a tool call.</summary>
internal sealed record DecideApproval
{
    public const string Approve = "approve";
    public const string Deny = "deny";

    /// <summary><c>approve</c>: the call is made; <c>deny</c>: it is not, and the model is told so.</summary>
    [Required]
    public string? Decision { get; init; }

    /// <summary>Why, told to the model with a denial. At most 2000 characters.</summary>
    public string? Reason { get; init; }
}

/// <summary>Consent to tool calls that a run wants it for (<c>tools.require_approval</c>).</summary>
internal static class ApprovalEndpoints
{
    private const int MaxReasonChars = 2000;

    public static void MapApprovals(this IEndpointRouteBuilder endpoints) => endpoints.MapPost("/api/v1/runs/{id}/approvals/{approvalId}", DecideAsync).WithTags("Runs")
        .WithSummary("Approve or deny a tool call")
        .WithDescription("The run's 'approvals' and its approval events name what waits. The first decision holds; 409 answers any later one, and any after the run's end.")
        .ProducesValidationProblem().ProducesProblem(404).ProducesProblem(409);

    private static async Task<Results<Ok<RunApproval>, ProblemHttpResult>> DecideAsync(
        string id, string approvalId, JsonBody<DecideApproval> body, ClaimsPrincipal caller, IRunStore store, CancellationToken cancellationToken)
    {
        if (body.Problem is not null)
            return body.Problem;
        var (decision, reason) = (body.Value!.Decision, body.Value.Reason);
        if (Check(decision, reason) is { Count: > 0 } errors)
            return Problems.Invalid(errors);

        var wanted = new ApprovalDecision(decision == DecideApproval.Approve, reason, caller.Owner());
        var (outcome, approval) = await store.DecideApprovalAsync(id, approvalId, wanted, cancellationToken);
        return outcome switch
        {
            ApprovalOutcome.Decided => TypedResults.Ok(approval!),
            ApprovalOutcome.AlreadyDecided => Problems.Of(StatusCodes.Status409Conflict, $"'{approvalId}' was decided before: it is {RunsJson.Word(approval!.State)} since {approval.DecidedAt:O}."),
            ApprovalOutcome.RunEnded => Problems.Of(StatusCodes.Status409Conflict, $"Run '{id}' ended before '{approvalId}' was decided."),
            _ => Problems.Of(StatusCodes.Status404NotFound, $"There is no approval '{approvalId}' in a run '{id}'. 'approvals' of GET /api/v1/runs/{{id}} lists those there are."),
        };
    }

    private static List<FieldError> Check(string? decision, string? reason)
    {
        var errors = new List<FieldError>();
        if (decision is not (DecideApproval.Approve or DecideApproval.Deny))
            errors.Add(new("decision", $"is '{decision}': use '{DecideApproval.Approve}' or '{DecideApproval.Deny}'."));
        if (reason?.Length > MaxReasonChars)
            errors.Add(new("reason", $"has {reason.Length} characters; at most {MaxReasonChars} are taken."));
        return errors;
    }
}
