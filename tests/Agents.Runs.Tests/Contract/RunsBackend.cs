namespace Agents.Runs.Tests.Contract;

/// <summary>One kind of storage under test. Each <see cref="OpenAsync"/> is what another process would have: own connections, same data.</summary>
public abstract class RunsBackend : IAsyncDisposable
{
    public ShiftedTime Time { get; } = new();

    public abstract Task<RunsInstance> OpenAsync();

    /// <summary>A process that ends where <paramref name="step"/> throws: it is called before each thing the process sends or stores, and after what is stored.</summary>
    public abstract Task<RunsInstance> OpenDoomedAsync(Action step);

    public abstract ValueTask DisposeAsync();
}

/// <summary>The services as one process has them.</summary>
public sealed record RunsInstance(IRunStore Store, IRunQueue Queue, IRunEvents Events, IAgentDefinitions Definitions, IWebhookOutbox Webhooks)
{
    public async Task<AgentRun> SubmitAsync(params string[] agents)
    {
        var run = Sample.Run(agents);
        await Store.CreateAsync(run, TestContext.Current.CancellationToken);
        await Queue.EnqueueAsync(run.Id, TestContext.Current.CancellationToken);
        return run;
    }

    public async Task<RunLease> SubmitAndClaimAsync(string worker = "w1", params string[] agents)
    {
        await SubmitAsync(agents);
        return (await Queue.TryClaimAsync(worker, TestContext.Current.CancellationToken)).ShouldNotBeNull();
    }

    public async Task<AgentRun> GetAsync(string runId) =>
        (await Store.GetAsync(runId, TestContext.Current.CancellationToken)).ShouldNotBeNull();

    public Task<IReadOnlyList<RunEvent>> AllEventsAsync(string runId) =>
        Events.ReadAsync(runId, 0, int.MaxValue, TestContext.Current.CancellationToken);
}
