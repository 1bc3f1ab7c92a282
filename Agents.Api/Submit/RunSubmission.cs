using System.Diagnostics;
using System.Text.Json;
using Agents.Api.Catalog;
using Agents.Runs;

namespace Agents.Api.Submit;

/// <summary>Checks a request, stores the run and wakes a worker.</summary>
internal sealed class RunSubmission(IRunStore store, IRunQueue queue, RepositoryCatalog repositories, TimeProvider time)
{
    /// <summary>The stored run, or what is wrong with the request.</summary>
    public async Task<(AgentRun? Run, List<FieldError> Errors)> SubmitAsync(SubmitRun request, CancellationToken cancellationToken)
    {
        var errors = RunRules.Check(request, repositories);
        if (errors.Count > 0)
            return (null, errors);

        var run = NewRun(request);
        await store.CreateAsync(run, cancellationToken);
        // The run is stored and will be found by a worker in any case: a client that hangs up now must not keep it from waking one.
        await queue.EnqueueAsync(run.Id, CancellationToken.None);
        return (run, errors);
    }

    private AgentRun NewRun(SubmitRun request) => new()
    {
        Id = AgentRun.NewId(time),
        Repository = repositories.Find(request.Repository!)!.Name,
        Query = request.Query!,
        Agents = [.. (request.Agents ?? BuiltInAgents.Default).Select(name => new AgentExecution { Name = name })],
        Context = request.Context is { ValueKind: JsonValueKind.Object } context ? context : null,
        Input = request.Input,
        Budget = request.Budget ?? new RunBudget(),
        Tools = request.Tools,
        ConversationId = request.ConversationId,
        Metadata = request.Metadata,
        CreatedAt = time.GetUtcNow(),
        TraceParent = Activity.Current?.Id,
    };
}
