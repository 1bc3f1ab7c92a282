using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Security.Claims;
using Agents.Api.Submit;
using Agents.Runs;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Agents.Api.Catalog;

/// <summary>An agent as its user writes it.</summary>
internal sealed record DefineAgent
{
    /// <summary>Front matter between two lines <c>---</c> (name, description, tools, and if wanted budget and output), then the prompt. At most 64 Ki characters.</summary>
    [Required]
    public string? Definition { get; init; }
}

/// <summary>A version of a user's agent.</summary>
/// <param name="Id">Names the agent through all its versions.</param>
/// <param name="Name">Names it in runs.</param>
/// <param name="Version">1, 2, 3 …</param>
/// <param name="Description">What it does.</param>
/// <param name="Tools">The tools it may use.</param>
/// <param name="Definition">The whole text.</param>
/// <param name="CreatedAt">When this version was stored.</param>
internal sealed record AgentAnswer(string Id, string Name, int Version, string Description, IReadOnlyList<string> Tools, string Definition, DateTimeOffset CreatedAt);

/// <summary>A user's agents.</summary>
/// <param name="Agents">The latest version of each, by name.</param>
internal sealed record AgentList(IReadOnlyList<AgentAnswer> Agents);

/// <summary>Users' own agents: <c>/api/v1/agents</c>. A change is a new version; a run keeps to the version it was made with.</summary>
internal static class AgentEndpoints
{
    private const string Field = "definition";
    private const int MaxChars = 64 * 1024;

    // So that the original system's routes beside these keep their 405 for a wrong method.
    private const string OneAgent = "{id:regex(^agent_)}";

    public static void MapAgents(this IEndpointRouteBuilder endpoints)
    {
        var agents = endpoints.MapGroup("/api/v1/agents").WithTags("Agents");
        agents.MapPost("", CreateAsync).WithSummary("Define an agent")
            .WithDescription("A definition that cannot be used is refused with the line. The name must be neither taken nor that of a built-in agent.")
            .ProducesValidationProblem().ProducesProblem(409).ProducesProblem(413).ProducesProblem(415);
        agents.MapGet("", ListAsync).WithSummary("List your own agents").WithDescription("GET /api/v1/agents/types has the built-in ones too.");
        agents.MapGet(OneAgent, GetAsync).WithSummary("Read an agent").ProducesValidationProblem().ProducesProblem(404);
        agents.MapPut(OneAgent, ReplaceAsync).WithSummary("Store a new version of an agent")
            .WithDescription("The name stays. With If-Match the ETag of the version that is replaced; 412 when it is not the latest any more. Runs under way keep to theirs.")
            .ProducesValidationProblem().ProducesProblem(404).ProducesProblem(409).ProducesProblem(412).ProducesProblem(413).ProducesProblem(415);
        agents.MapDelete(OneAgent, DeleteAsync).WithSummary("Delete an agent with all its versions")
            .WithDescription("A run that names it and has not come to it yet fails at it.").ProducesProblem(404);
    }

    /// <summary>What an agent does, in a sentence.</summary>
    public static string DescriptionOf(StoredAgent stored) => Parse(stored)?.Description ?? "";

    private static async Task<Results<Created<AgentAnswer>, ProblemHttpResult>> CreateAsync(
        JsonBody<DefineAgent> body, HttpContext context, IAgentDefinitions definitions, CancellationToken cancellationToken)
    {
        if (body.Problem is not null)
            return body.Problem;
        if (Read(body.Value!, out var problem) is not { } agent)
            return problem!;
        var stored = BuiltInAgents.All.Any(builtIn => builtIn.Name == agent.Name)
            ? null
            : await definitions.CreateAsync(context.User.Owner(), agent.Name, body.Value!.Definition!, cancellationToken);
        if (stored is null)
            return Problems.Of(StatusCodes.Status409Conflict, $"There is an agent '{agent.Name}' already. Take another name, or PUT a new version to the one you have.");
        return TypedResults.Created($"/api/v1/agents/{stored.Id}", Answer(stored, agent, context));
    }

    private static async Task<AgentList> ListAsync(ClaimsPrincipal caller, IAgentDefinitions definitions, CancellationToken cancellationToken) =>
        new([.. (await definitions.ListAsync(caller.Owner(), cancellationToken)).Select(stored => Answer(stored, Parse(stored), context: null))]);

    private static async Task<Results<Ok<AgentAnswer>, ProblemHttpResult>> GetAsync(
        string id, [Description("The version; the latest by default.")] string? version, HttpContext context, IAgentDefinitions definitions, CancellationToken cancellationToken)
    {
        int? wanted = null;
        if (!string.IsNullOrEmpty(version))
        {
            if (!int.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number < 1)
                return Problems.Invalid("version", $"'{version}' is not a version: versions are 1, 2, 3 …");
            wanted = number;
        }

        return await OwnAsync(id, wanted, context, definitions, cancellationToken) is { } stored
            ? TypedResults.Ok(Answer(stored, Parse(stored), context))
            : NoAgent(id);
    }

    private static async Task<Results<Ok<AgentAnswer>, ProblemHttpResult>> ReplaceAsync(
        string id,
        JsonBody<DefineAgent> body,
        [FromHeader(Name = "If-Match"), Description("The ETag of the version to replace; without it the latest, whichever that is.")] string? ifMatch,
        HttpContext context,
        IAgentDefinitions definitions,
        CancellationToken cancellationToken)
    {
        if (body.Problem is not null)
            return body.Problem;
        if (Read(body.Value!, out var problem) is not { } agent)
            return problem!;
        if (await OwnAsync(id, version: null, context, definitions, cancellationToken) is not { } latest)
            return NoAgent(id);
        if (ifMatch is not (null or "*") && ifMatch != Tag(latest))
            return Problems.Of(StatusCodes.Status412PreconditionFailed, $"The latest version is {latest.Version}; the one that was to be replaced is {ifMatch}. Read it again.");
        if (agent.Name != latest.Name)
            return Problems.Invalid(Field, $"name is '{agent.Name}', but this agent's name is '{latest.Name}' and stays. Define a new agent for another name.");
        return await definitions.ReplaceAsync(id, latest.Version, body.Value!.Definition!, cancellationToken) is { } stored
            ? TypedResults.Ok(Answer(stored, agent, context))
            : Problems.Of(StatusCodes.Status409Conflict, $"Agent '{latest.Name}' was changed or deleted at the same moment. Read it again.");
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        string id, HttpContext context, IAgentDefinitions definitions, CancellationToken cancellationToken) =>
        await OwnAsync(id, version: null, context, definitions, cancellationToken) is not null && await definitions.DeleteAsync(id, cancellationToken)
            ? TypedResults.NoContent()
            : NoAgent(id);

    /// <summary>The agent if it is the caller's; nobody learns of others'.</summary>
    private static async Task<StoredAgent?> OwnAsync(string id, int? version, HttpContext context, IAgentDefinitions definitions, CancellationToken cancellationToken) =>
        await definitions.GetAsync(id, version, cancellationToken) is { } stored && stored.Owner == context.User.Owner() ? stored : null;

    private static AgentDefinition? Read(DefineAgent request, out ProblemHttpResult? problem)
    {
        problem = null;
        var text = request.Definition;
        if (string.IsNullOrWhiteSpace(text) || text.Length > MaxChars)
        {
            problem = Problems.Invalid(Field, $"has {text?.Length ?? 0} characters; it must have 1 to {MaxChars}.");
            return null;
        }

        try
        {
            return AgentDefinitionReader.Read(Field, text);
        }
        catch (AgentDefinitionException wrong)
        {
            problem = Problems.Invalid(Field, $"line {wrong.Line}: {wrong.Reason}");
            return null;
        }
    }

    /// <summary>What is stored as it is understood; null for a text that this version of the program would refuse.</summary>
    private static AgentDefinition? Parse(StoredAgent stored)
    {
        try
        {
            return AgentDefinitionReader.Read(stored.Name, stored.Definition);
        }
        catch (AgentDefinitionException)
        {
            return null;
        }
    }

    private static AgentAnswer Answer(StoredAgent stored, AgentDefinition? agent, HttpContext? context)
    {
        if (context is not null)
            context.Response.Headers.ETag = Tag(stored);
        return new(stored.Id, stored.Name, stored.Version, agent?.Description ?? "", agent?.Tools ?? [], stored.Definition, stored.CreatedAt);
    }

    private static string Tag(StoredAgent stored) => FormattableString.Invariant($"\"{stored.Version}\"");

    private static ProblemHttpResult NoAgent(string id) =>
        Problems.Of(StatusCodes.Status404NotFound, $"You have no agent '{id}' of that version. GET /api/v1/agents lists those you have.");
}
