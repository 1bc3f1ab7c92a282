using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Agents.Api.Catalog;
using Agents.Api.Webhooks;
using Agents.Runs;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;

namespace Agents.Api.Submit;

/// <summary>What came of a request for a run.</summary>
/// <param name="Run">The run; null when there is a <paramref name="Problem"/>.</param>
/// <param name="Problem">Why there is none.</param>
/// <param name="Repeated">Whether an earlier request with the same idempotency key made it.</param>
internal sealed record Submitted(AgentRun? Run, ProblemHttpResult? Problem, bool Repeated = false);

/// <summary>Checks a request, stores the run and wakes a worker.</summary>
internal sealed class RunSubmission(
    IRunStore store, IRunQueue queue, IAgentDefinitions definitions, RepositoryCatalog repositories, WebhookRules webhooks, IOptions<RunQueueOptions> options, TimeProvider time)
{
    private readonly RunQueueOptions _options = options.Value;

    /// <param name="request">What is asked for.</param>
    /// <param name="idempotencyKey">The header of that name.</param>
    /// <param name="owner">The caller.</param>
    /// <param name="words">Says an error in the words of the client's request, where that is none of ours.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<Submitted> SubmitAsync(
        SubmitRun request, string? idempotencyKey, string? owner, Func<FieldError, FieldError>? words, CancellationToken cancellationToken)
    {
        var text = IdempotencyKey.Parse(idempotencyKey, out var wrongKey);
        var key = text is null ? null : new SubmissionKey(owner, text, FingerprintOf(request));
        // Before anything is checked: a repetition gets its run even where the same request would be refused by now.
        if (key is not null && await store.FindSubmissionAsync(key, cancellationToken) is { } earlier)
            return Of(earlier);

        var own = await OwnAgentsAsync(request, owner, cancellationToken);
        List<FieldError> errors = [.. wrongKey is null ? [] : new[] { wrongKey }, .. RunRules.Check(request, repositories, [.. own.Keys]), .. webhooks.Check(request.Webhook)];
        if (errors.Count > 0)
            return new(null, Problems.Invalid(errors.Select(words ?? (error => error))));
        if (await queue.CountAsync(cancellationToken) is var waiting && waiting >= _options.MaxQueued)
            return new(null, Problems.QueueFull(waiting));

        var submission = await StoreAsync(NewRun(request, owner, own), key, cancellationToken);
        // The run is stored and will be found by a worker in any case: a client that hangs up now must not keep it from waking one.
        if (submission.Outcome == SubmissionOutcome.Created)
            await queue.EnqueueAsync(submission.Run!.Id, CancellationToken.None);
        return Of(submission);
    }

    private async Task<Submission> StoreAsync(AgentRun run, SubmissionKey? key, CancellationToken cancellationToken)
    {
        if (key is not null)
            return await store.CreateOnceAsync(run, key, cancellationToken);
        await store.CreateAsync(run, cancellationToken);
        return new Submission(SubmissionOutcome.Created, run);
    }

    private static Submitted Of(Submission submission) => submission.Run is { } run
        ? new(run, null, submission.Outcome == SubmissionOutcome.Repeated)
        : new(null, Problems.KeyReused());

    // Of what was understood and not of the bytes: a client that repeats a request may write it anew.
    private static string FingerprintOf(SubmitRun request) => SubmissionKey.FingerprintOf(JsonSerializer.SerializeToUtf8Bytes(request, RunsJson.Options));

    private AgentRun NewRun(SubmitRun request, string? owner, Dictionary<string, StoredAgent> own) => new()
    {
        Id = AgentRun.NewId(time),
        Repository = repositories.Find(request.Repository!)!.Name,
        Query = request.Query!,
        Agents = [.. (request.Agents ?? BuiltInAgents.Default).Select(name => Execution(name, own))],
        Context = request.Context is { ValueKind: JsonValueKind.Object } context ? context : null,
        Input = request.Input,
        Budget = request.Budget ?? new RunBudget(),
        Tools = request.Tools,
        ConversationId = request.ConversationId,
        Owner = owner,
        Webhook = request.Webhook,
        Metadata = request.Metadata,
        CreatedAt = time.GetUtcNow(),
        TraceParent = Activity.Current?.Id,
    };

    /// <summary>The caller's own agents by name, if the request names any that does not come with the product.</summary>
    private async Task<Dictionary<string, StoredAgent>> OwnAgentsAsync(SubmitRun request, string? owner, CancellationToken cancellationToken) =>
        (request.Agents ?? []).All(name => BuiltInAgents.All.Any(agent => agent.Name == name))
            ? []
            : (await definitions.ListAsync(owner, cancellationToken)).ToDictionary(agent => agent.Name);

    // The version is fixed here: what the user changes afterwards is for later runs.
    private static AgentExecution Execution(string name, Dictionary<string, StoredAgent> own) => own.TryGetValue(name, out var agent)
        ? new AgentExecution { Name = name, AgentId = agent.Id, Version = agent.Version.ToString(CultureInfo.InvariantCulture) }
        : new AgentExecution { Name = name };
}
