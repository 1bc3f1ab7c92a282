using System.Globalization;
using StackExchange.Redis;

namespace Agents.Runs;

/// <summary>Runs in Redis.</summary>
internal sealed class RedisRunStore(RedisDatabase database, TimeProvider time) : IRunStore
{
    private readonly RedisRuns _runs = new(database, time);

    private RedisKeys Keys => database.Keys;

    public Task CreateAsync(AgentRun run, CancellationToken cancellationToken) => _runs.CreateAsync(run, submission: null, cancellationToken);

    public async Task<Submission> CreateOnceAsync(AgentRun run, SubmissionKey key, CancellationToken cancellationToken)
    {
        var held = (string)(await database.EvaluateAsync(
            RedisScripts.Submit, [Keys.Submission(key.Digest)],
            [$"{key.Fingerprint}:{run.Id}", (long)database.Options.SubmissionKeys.TotalMilliseconds], cancellationToken).ConfigureAwait(false))!;
        var (fingerprint, runId) = Split(held);
        if (fingerprint != key.Fingerprint)
            return new Submission(SubmissionOutcome.KeyReused, null);

        // The first to submit may be on its way still, or was lost on it: whoever comes stores the run it named, once.
        if (runId == run.Id || await GetAsync(runId, cancellationToken).ConfigureAwait(false) is null)
            await _runs.CreateAsync(run with { Id = runId }, key.Digest, cancellationToken).ConfigureAwait(false);
        return new Submission(
            runId == run.Id ? SubmissionOutcome.Created : SubmissionOutcome.Repeated, await GetAsync(runId, cancellationToken).ConfigureAwait(false));
    }

    public async Task<Submission?> FindSubmissionAsync(SubmissionKey key, CancellationToken cancellationToken)
    {
        var held = await database.RunAsync(redis => redis.StringGetAsync(Keys.Submission(key.Digest)), cancellationToken).ConfigureAwait(false);
        if (held.IsNull) return null;
        var (fingerprint, runId) = Split(held!);
        if (fingerprint != key.Fingerprint) return new Submission(SubmissionOutcome.KeyReused, null);
        // Without its run it is still being stored, or was lost on the way: whoever submits stores it.
        return await GetAsync(runId, cancellationToken).ConfigureAwait(false) is { } run ? new Submission(SubmissionOutcome.Repeated, run) : null;
    }

    public async Task<AgentRun?> GetAsync(string runId, CancellationToken cancellationToken) =>
        await _runs.LoadAsync(runId, cancellationToken).ConfigureAwait(false) is { } run ? await _runs.CompleteAsync(run, cancellationToken).ConfigureAwait(false) : null;

    public async Task<RunPage> ListAsync(RunFilter filter, CancellationToken cancellationToken)
    {
        RedisKey[] candidates = filter.State switch
        {
            null => [Keys.All],
            // A run that has just ended is among the open ones for a moment; its record says what it is.
            { } state when state.IsEnded() => [Keys.Open, Keys.In(state)],
            _ => [Keys.Open],
        };
        var page = await ReadAsync(candidates, filter.Before, run => Matches(run, filter), filter.PageSize + 1, cancellationToken).ConfigureAwait(false);
        var next = page.Count > filter.PageSize ? page[filter.PageSize - 1].Place.ToString(CultureInfo.InvariantCulture) : null;
        return new RunPage([.. page.Take(filter.PageSize).Select(run => run.ToRun())], next);
    }

    public async Task<IReadOnlyList<AgentRun>> ReadConversationAsync(string? owner, string conversationId, int limit, CancellationToken cancellationToken)
    {
        var ended = await ReadAsync(
            [Keys.Conversation(owner, conversationId)], long.MaxValue, run => run.Standing.State.IsEnded(), Math.Clamp(limit, 1, RunFilter.MaxLimit), cancellationToken).ConfigureAwait(false);
        ended.Reverse();
        return await Task.WhenAll(ended.Select(run => _runs.CompleteAsync(run, cancellationToken))).ConfigureAwait(false);
    }

    public async Task<AgentRun?> RequestCancelAsync(string runId, CancellationToken cancellationToken)
    {
        await _runs.ChangeAsync(runId, (run, now) => RunTransitions.RequestCancel(run.Standing, run.Agents, now), cancellationToken).ConfigureAwait(false);
        return await GetAsync(runId, cancellationToken).ConfigureAwait(false);
    }

    public async Task<RunDeletion> DeleteAsync(string runId, CancellationToken cancellationToken)
    {
        if (await _runs.LoadAsync(runId, cancellationToken).ConfigureAwait(false) is not { } run) return RunDeletion.NotFound;
        if (!run.Standing.State.IsEnded()) return RunDeletion.NotEnded;
        await database.RunAsync(async redis =>
        {
            if (run.Submission is { } submission) await redis.KeyDeleteAsync(Keys.Submission(submission)).ConfigureAwait(false);
            if (run.Request.ConversationId is { } conversation) await redis.SortedSetRemoveAsync(Keys.Conversation(run.Request.Owner, conversation), runId).ConfigureAwait(false);
            return true;
        }, cancellationToken).ConfigureAwait(false);
        var deleted = (long)await database.EvaluateAsync(
            RedisScripts.Delete, Keys.Of(runId),
            [Keys.Channel, runId, .. Enum.GetValues<RunState>().Where(state => state.IsEnded()).Select(state => (RedisValue)RunsJson.Word(state))], cancellationToken).ConfigureAwait(false);
        await _runs.Index.ForgetAsync(runId, cancellationToken).ConfigureAwait(false);
        return deleted == 1 ? RunDeletion.Deleted : RunDeletion.NotFound;
    }

    public async Task<int> PruneAsync(CancellationToken cancellationToken)
    {
        const int Piece = 200;
        var deleted = 0;
        List<string> ids;
        do
        {
            ids = await _runs.Index.EndedUntilAsync(time.GetUtcNow() - database.Options.Retention, Piece, cancellationToken).ConfigureAwait(false);
            foreach (var id in ids)
            {
                if (await DeleteAsync(id, cancellationToken).ConfigureAwait(false) == RunDeletion.Deleted) deleted++;
                // Redis ended the run's keys by itself.
                else await _runs.Index.ForgetAsync(id, cancellationToken).ConfigureAwait(false);
            }
        }
        while (ids.Count == Piece);
        return deleted;
    }

    public async Task SaveAsync(RunLease lease, RunChange change, CancellationToken cancellationToken)
    {
        long written;
        do
        {
            var write = await PrepareAsync(lease, change, cancellationToken).ConfigureAwait(false);
            written = await _runs.WriteAsync(lease.RunId, write, cancellationToken).ConfigureAwait(false);
        }
        while (written == RedisScripts.Conflict);

        if (written == RedisScripts.Lost) throw new LeaseLostException(lease);
        if (written == RedisScripts.NoCall) throw new InvalidOperationException($"Run {lease.RunId} has no such tool call under way: {Numbers(change)}.");
    }

    public async Task<int> BeginToolCallAsync(RunLease lease, ToolCallStart call, CancellationToken cancellationToken)
    {
        var number = await _runs.BeginCallAsync(lease, call, cancellationToken).ConfigureAwait(false);
        return number == RedisScripts.Lost ? throw new LeaseLostException(lease) : (int)number;
    }

    public async Task<IReadOnlyList<RunApproval>> RequestApprovalsAsync(
        RunLease lease, IReadOnlyList<ApprovalRequest> requests, CancellationToken cancellationToken)
    {
        IReadOnlyList<RunApproval>? asked = null;
        var step = await _runs.ChangeAsync(lease.RunId, (run, now) =>
        {
            RunStanding.Fence(run.Standing, lease);
            var wanted = ApprovalTransitions.Request(run.Standing, requests, now);
            asked = wanted is null ? run.Standing.Approvals : null;
            return wanted;
        }, cancellationToken).ConfigureAwait(false);
        return step?.Run.Approvals ?? asked ?? throw new LeaseLostException(lease);
    }

    public async Task<ApprovalAnswer> DecideApprovalAsync(string runId, string approvalId, ApprovalDecision decision, CancellationToken cancellationToken)
    {
        var answer = new ApprovalAnswer(ApprovalOutcome.NotFound, null);
        await _runs.ChangeAsync(runId, (run, now) =>
        {
            (var step, answer) = ApprovalTransitions.Decide(run.Standing, run.Agents, approvalId, decision, now);
            return step;
        }, cancellationToken).ConfigureAwait(false);
        return answer;
    }

    public Task EndAsync(RunLease lease, RunState state, string? error, CancellationToken cancellationToken)
    {
        if (!state.IsEnded())
            throw new ArgumentOutOfRangeException(nameof(state), state, "A run ends in a final state.");
        return _runs.ChangeAsync(lease, (run, now) => RunTransitions.End(run.Standing, run.Agents, state, error, now), cancellationToken);
    }

    public async Task<IReadOnlyList<AgentCheckpoint>> GetCheckpointsAsync(string runId, CancellationToken cancellationToken)
    {
        if (await _runs.LoadAsync(runId, cancellationToken).ConfigureAwait(false) is not { } run) return [];
        RedisValue[] fields = [.. run.Agents.Select(agent => RedisWork.Checkpoint(agent.Name))];
        var found = await database.RunAsync(redis => redis.HashGetAsync(Keys.Work(runId), fields), cancellationToken).ConfigureAwait(false);
        return [.. run.Agents.Zip(found).Where(pair => !pair.Second.IsNull).Select(pair => new AgentCheckpoint(pair.First.Name, StoredJson.Read<System.Text.Json.JsonElement>(pair.Second!)))];
    }

    public async Task<IReadOnlyList<ToolCallRecord>> ListToolCallsAsync(string runId, CancellationToken cancellationToken)
    {
        var hash = await database.RunAsync(redis => redis.HashGetAllAsync(Keys.Calls(runId)), cancellationToken).ConfigureAwait(false);
        var fields = hash.ToDictionary(field => (string)field.Name!, field => field.Value, StringComparer.Ordinal);
        return
        [
            .. fields.Keys.Select(name => int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0).Where(number => number > 0).Order()
                .Select(number => Record(number, fields[Start(number)], fields.GetValueOrDefault(End(number)))),
        ];
    }

    public async Task<ToolCallRecord?> GetToolCallAsync(string runId, int number, CancellationToken cancellationToken)
    {
        var found = await database.RunAsync(redis => redis.HashGetAsync(Keys.Calls(runId), [Start(number), End(number)]), cancellationToken).ConfigureAwait(false);
        return found[0].IsNull ? null : Record(number, found[0], found[1]);
    }

    /// <summary>What a change writes, worked out from the agent and the calls as they are.</summary>
    private async Task<RedisWrite> PrepareAsync(RunLease lease, RunChange change, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        RedisRun? run = null;
        if (change.Agent is not null || change.Checkpoint is not null)
        {
            run = await _runs.LoadAsync(lease.RunId, cancellationToken).ConfigureAwait(false);
            RunStanding.Fence(run?.Standing, lease);
        }

        var write = new RedisWrite { Lease = lease, Revision = change.Agent is null ? null : run!.Revision };
        foreach (var end in change.ToolCalls) write.Add(end, await UnderWayAsync(lease, end.Number, cancellationToken).ConfigureAwait(false), now);
        if (change.Agent is { } agent) write.Add(agent, Agent(run!, agent.Name), now);
        if (change.Checkpoint is { } checkpoint)
        {
            Agent(run!, checkpoint.Agent);
            write.Add(checkpoint);
        }

        return write.Add(change.Events, now);
    }

    private async Task<RedisCall> UnderWayAsync(RunLease lease, int number, CancellationToken cancellationToken)
    {
        var stored = await database.RunAsync(redis => redis.HashGetAsync(Keys.Calls(lease.RunId), Start(number)), cancellationToken).ConfigureAwait(false);
        if (!stored.IsNull) return StoredJson.Read<RedisCall>(stored!);
        RunStanding.Fence((await _runs.LoadAsync(lease.RunId, cancellationToken).ConfigureAwait(false))?.Standing, lease);
        throw new InvalidOperationException($"Run {lease.RunId} has no tool call {number} under way.");
    }

    /// <summary>What is kept for an idempotency key: the request's fingerprint and the run's id.</summary>
    private static (string Fingerprint, string RunId) Split(string held)
    {
        var split = held.LastIndexOf(':');
        return (held[..split], held[(split + 1)..]);
    }

    private static AgentExecution Agent(RedisRun run, string name) => run.Agents.FirstOrDefault(agent => agent.Name == name)
        ?? throw new InvalidOperationException($"Run {run.Id} has no agent '{name}'.");

    /// <summary>Runs below a place that match, highest place first. The candidates are hints: what their records say counts.</summary>
    private async Task<List<RedisRun>> ReadAsync(
        IReadOnlyList<RedisKey> candidates, long before, Func<RedisRun, bool> matches, int limit, CancellationToken cancellationToken)
    {
        const int LeastRead = 50;
        var found = new List<RedisRun>();
        while (found.Count < limit)
        {
            var ids = await _runs.Index.BelowAsync(candidates, before, Math.Max(limit - found.Count, LeastRead), cancellationToken).ConfigureAwait(false);
            if (ids.Count == 0) break;
            var runs = await _runs.LoadAsync([.. ids.Select(id => id.Id)], cancellationToken).ConfigureAwait(false);
            found.AddRange(runs.OfType<RedisRun>().Where(matches));
            before = ids[^1].Place;
        }

        return found.Count > limit ? found[..limit] : found;
    }

    private static bool Matches(RedisRun run, RunFilter filter) =>
        (filter.State is null || run.Standing.State == filter.State)
        && (filter.Repository is null || run.Request.Repository == filter.Repository)
        && (filter.ConversationId is null || run.Request.ConversationId == filter.ConversationId)
        && (filter.Owner is null || run.Request.Owner == filter.Owner)
        && (filter.Agent is null || run.Agents.Any(agent => agent.Name == filter.Agent))
        && (filter.From is null || run.CreatedAt >= filter.From)
        && (filter.Until is null || run.CreatedAt < filter.Until);

    private static ToolCallRecord Record(int number, RedisValue start, RedisValue end)
    {
        var call = StoredJson.Read<RedisCall>(start!);
        var ended = end.IsNull ? null : StoredJson.Read<RedisCallEnd>(end!);
        return new ToolCallRecord
        {
            Number = number,
            Agent = call.Agent,
            Tool = call.Tool,
            Arguments = call.Arguments,
            StartedAt = call.StartedAt,
            Result = ended?.Result,
            IsError = ended?.IsError,
            DurationMs = ended?.DurationMs,
        };
    }

    private static string Start(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string End(int number) => $"{Start(number)}:end";

    private static string Numbers(RunChange change) => string.Join(", ", change.ToolCalls.Select(call => call.Number));
}
