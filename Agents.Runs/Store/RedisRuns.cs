using StackExchange.Redis;

namespace Agents.Runs;

/// <summary>
/// Reads and writes runs in Redis: the record and what hangs on it in one script, then the hints that concern all runs
/// (<see cref="RedisIndex"/>). A process that ends between the two leaves a hint too many or too few, which
/// <see cref="RedisRunQueue.ReapAsync"/> mends; it never leaves a run half changed.
/// </summary>
internal sealed class RedisRuns(RedisDatabase database, TimeProvider time)
{
    private readonly RedisWriters _writers = new();

    public RedisIndex Index { get; } = new(database, time);

    private RedisKeys Keys => database.Keys;

    /// <summary>A run's record; null if there is none of that id.</summary>
    public Task<RedisRun?> LoadAsync(string runId, CancellationToken cancellationToken) =>
        database.RunAsync(async redis => RedisRun.Read(runId, await redis.HashGetAllAsync(Keys.Run(runId)).ConfigureAwait(false)), cancellationToken);

    /// <summary>Records in the order of their ids; null for what is gone.</summary>
    public Task<RedisRun?[]> LoadAsync(IReadOnlyList<string> runIds, CancellationToken cancellationToken) => database.RunAsync(
        redis => Task.WhenAll(runIds.Select(async id => RedisRun.Read(id, await redis.HashGetAllAsync(Keys.Run(id)).ConfigureAwait(false)))), cancellationToken);

    /// <summary>A run with its agents' results.</summary>
    public async Task<AgentRun> CompleteAsync(RedisRun run, CancellationToken cancellationToken)
    {
        RedisValue[] fields = [.. run.Agents.Select(agent => RedisWork.Result(agent.Name))];
        var results = await database.RunAsync(redis => redis.HashGetAsync(Keys.Work(run.Id), fields), cancellationToken).ConfigureAwait(false);
        var agents = run.Agents.Zip(results, (agent, result) => result.IsNull ? agent : agent with { Result = StoredJson.Read<AgentResult>(result!) });
        return run.ToRun() with { Agents = [.. agents] };
    }

    /// <summary>Stores a new run: its place, its record, its hint.</summary>
    public async Task CreateAsync(AgentRun run, string? submission, CancellationToken cancellationToken)
    {
        var place = await Index.RegisterAsync(run, cancellationToken).ConfigureAwait(false);
        var step = RunTransitions.Begin(run);
        await database.EvaluateAsync(
            RedisScripts.Create,
            [Keys.Run(run.Id), Keys.Events(run.Id)],
            [Keys.Channel, run.Id, RedisEvent.Write(step.Events[0], time.GetUtcNow()), .. RedisRun.Fields(run, step.Run, place, submission)],
            cancellationToken).ConfigureAwait(false);
        await Index.EnqueueAsync(run.Id, begun: false, replace: false, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Changes a run's standing: works the step out from what is there, again when somebody else was faster.</summary>
    /// <param name="runId">The run.</param>
    /// <param name="plan">The step; null to leave the run as it is. It may be asked again, and may throw.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The step that was written; null if there was none, or no run.</returns>
    public async Task<RunStep?> ChangeAsync(string runId, Func<RedisRun, DateTimeOffset, RunStep?> plan, CancellationToken cancellationToken)
    {
        while (await LoadAsync(runId, cancellationToken).ConfigureAwait(false) is { } run)
        {
            var now = time.GetUtcNow();
            if (plan(run, now) is not { } step) return null;
            var written = await WriteAsync(runId, new RedisWrite { Revision = run.Revision }.Add(step, run, now), cancellationToken).ConfigureAwait(false);
            if (written == RedisScripts.Conflict) continue;
            if (written == RedisScripts.Lost) return null;
            if (run.Request.Webhook is not null) await Index.OweAsync(step.Run, cancellationToken).ConfigureAwait(false);
            if (step.Queues) await Index.EnqueueAsync(runId, begun: true, replace: true, cancellationToken).ConfigureAwait(false);
            if (step.Ends) await Index.SettleAsync(step.Run, cancellationToken).ConfigureAwait(false);
            return step;
        }

        return null;
    }

    /// <summary>Changes the standing of a run for the holder of its lease.</summary>
    /// <exception cref="LeaseLostException">The lease no longer holds; nothing was written.</exception>
    public async Task ChangeAsync(RunLease lease, Func<RedisRun, DateTimeOffset, RunStep> plan, CancellationToken cancellationToken)
    {
        RunStep? mine = null;
        var written = await ChangeAsync(lease.RunId, (run, now) =>
        {
            RunStanding.Fence(run.Standing, lease);
            return mine = plan(run, now);
        }, cancellationToken).ConfigureAwait(false);
        if (mine is null || written is null) throw new LeaseLostException(lease);
    }

    /// <returns>The sequence of the last event, or one of <see cref="RedisScripts"/>' refusals.</returns>
    public Task<long> WriteAsync(string runId, RedisWrite write, CancellationToken cancellationToken) => AsWriterAsync(
        RedisScripts.Write, Keys.Of(runId), writer => write.Values(writer, Keys.Channel, runId, database.Options.Retention), cancellationToken);

    /// <returns>The call's number, or <see cref="RedisScripts.Lost"/>.</returns>
    public Task<long> BeginCallAsync(RunLease lease, ToolCallStart call, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        var (before, behind) = RedisEvent.WriteAroundNumber(call, now);
        var stored = StoredJson.Write(new RedisCall(call.Agent, call.Tool, call.Arguments, now));
        return AsWriterAsync(
            RedisScripts.BeginCall,
            [Keys.Run(lease.RunId), Keys.Events(lease.RunId), Keys.Calls(lease.RunId), Keys.Writes(lease.RunId)],
            writer => [writer.Name, writer.Turn, lease.Attempt, Keys.Channel, lease.RunId, stored, before, behind],
            cancellationToken);
    }

    private async Task<long> AsWriterAsync(string script, RedisKey[] keys, Func<RedisWriters.Writer, RedisValue[]> values, CancellationToken cancellationToken)
    {
        var writer = _writers.Take();
        try
        {
            return (long)await database.EvaluateAsync(script, keys, values(writer), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _writers.Return(writer);
        }
    }
}
