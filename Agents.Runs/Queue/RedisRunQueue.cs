using Microsoft.Extensions.Options;

namespace Agents.Runs;

/// <summary>
/// The queue in Redis: streams of hints that a consumer group of all workers reads. Who takes a hint claims the run by its record, and only then
/// drops the hint; one that was taken and not dropped goes to another worker. Nothing waits in Redis: workers look when a message says so, and
/// once a second in any case.
/// </summary>
internal sealed class RedisRunQueue(RedisDatabase database, IOptions<RunQueueOptions> options, TimeProvider time) : IRunQueue
{
    private const int Piece = 500;

    /// <summary>A submitter that has not stored its run by then never will.</summary>
    private static readonly TimeSpan SubmissionTime = TimeSpan.FromMinutes(1);

    private readonly RunQueueOptions _options = options.Value;
    private readonly RedisRuns _runs = new(database, time);

    public Task EnqueueAsync(string runId, CancellationToken cancellationToken) =>
        database.RunAsync(redis => redis.PublishAsync(database.Keys.Changes, ChangeSignals.Queue), cancellationToken);

    public Task<long> CountAsync(CancellationToken cancellationToken) => _runs.Index.CountQueuedAsync(cancellationToken);

    public async Task<RunLease> ClaimAsync(string workerId, CancellationToken cancellationToken)
    {
        using var queued = database.Changes.Subscribe(ChangeSignals.Queue);
        while (true)
        {
            if (await TryClaimAsync(workerId, cancellationToken).ConfigureAwait(false) is { } lease)
                return lease;
            await queued.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public async Task<RunLease?> TryClaimAsync(string workerId, CancellationToken cancellationToken)
    {
        do
        {
            while (await _runs.Index.TakeAsync(workerId, cancellationToken).ConfigureAwait(false) is { } hint)
            {
                // From here on it is not cancelled: a run claimed for nobody would wait for its lease to expire.
                var step = await _runs.ChangeAsync(
                    hint.RunId,
                    (run, now) => run.Standing.State == RunState.Queued ? RunTransitions.Claim(run.Standing, workerId, now + _options.Lease, now) : null,
                    CancellationToken.None).ConfigureAwait(false);
                await _runs.Index.DropAsync(hint, CancellationToken.None).ConfigureAwait(false);
                if (step is not null)
                    return new RunLease(hint.RunId, workerId, step.Run.Attempt, step.Run.LeaseExpires!.Value);
            }
        }
        while (await _runs.Index.EnqueueUnfinishedAsync(cancellationToken).ConfigureAwait(false));

        return null;
    }

    public async Task<RunLease> RenewAsync(RunLease lease, CancellationToken cancellationToken)
    {
        var renewed = lease with { ExpiresAt = time.GetUtcNow() + _options.Lease };
        var written = await _runs.WriteAsync(lease.RunId, new RedisWrite { Lease = lease }.AddExpiry(renewed.ExpiresAt), cancellationToken).ConfigureAwait(false);
        return written == RedisScripts.Lost ? throw new LeaseLostException(lease) : renewed;
    }

    public async Task<LeaseSignal> WatchAsync(RunLease lease, CancellationToken cancellationToken)
    {
        using var changes = database.Changes.Subscribe(lease.RunId);
        while (true)
        {
            var run = await _runs.LoadAsync(lease.RunId, cancellationToken).ConfigureAwait(false);
            if (run is null || !run.Standing.Holds(lease))
                return LeaseSignal.Lost;
            if (run.Standing.CancelRequested)
                return LeaseSignal.CancelRequested;
            await changes.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public Task HandBackAsync(RunLease lease, CancellationToken cancellationToken) => _runs.ChangeAsync(
        lease, (run, now) => RunTransitions.Requeue(run.Standing, run.Agents, $"handed back by worker {lease.WorkerId}", now), cancellationToken);

    public Task ParkAsync(RunLease lease, IReadOnlyList<string> approvals, CancellationToken cancellationToken) => _runs.ChangeAsync(
        lease, (run, now) => ApprovalTransitions.Park(run.Standing, run.Agents, approvals, now), cancellationToken);

    public Task AbandonAsync(RunLease lease, string reason, CancellationToken cancellationToken) => _runs.ChangeAsync(
        lease, (run, now) => RunTransitions.LoseAttempt(run.Standing, run.Agents, reason, _options.MaxAttempts, now), cancellationToken);

    /// <inheritdoc/>
    /// <remarks>Also mends what concerns all runs, where a process ended between a run's record and its hints.</remarks>
    public async Task<int> ReapAsync(CancellationToken cancellationToken)
    {
        var reaped = 0;
        foreach (var piece in (await _runs.Index.OpenAsync(cancellationToken).ConfigureAwait(false)).Chunk(Piece))
        {
            var glances = await GlanceAsync(piece, cancellationToken).ConfigureAwait(false);
            foreach (var glance in glances)
                reaped += await LookAfterAsync(glance, cancellationToken).ConfigureAwait(false);
            await EnqueueForgottenAsync([.. glances.Where(glance => glance.State == RunState.Queued)], cancellationToken).ConfigureAwait(false);
        }

        await _runs.Index.ForgetWorkersAsync(cancellationToken).ConfigureAwait(false);
        return reaped;
    }

    /// <summary>What the reaper must know of a run; no state when there is no run.</summary>
    private sealed record Glance(string Id, RunState? State, bool Begun, DateTimeOffset? LeaseExpires);

    private Task<Glance[]> GlanceAsync(IEnumerable<string> ids, CancellationToken cancellationToken) => database.RunAsync(
        redis => Task.WhenAll(ids.Select(async id =>
        {
            var found = await redis.HashGetAsync(database.Keys.Run(id), ["state", "attempt", "expires"]).ConfigureAwait(false);
            return found[0].IsNull
                ? new Glance(id, null, false, null)
                : new Glance(id, StoredJson.Enum<RunState>(found[0]!), (int)found[1] > 0, RedisRun.Time(found[2]));
        })), cancellationToken);

    /// <returns>1 when a lease was taken away.</returns>
    private async Task<int> LookAfterAsync(Glance glance, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        if (glance.State is null)
        {
            if (await _runs.Index.SubmittedAtAsync(glance.Id, cancellationToken).ConfigureAwait(false) is not { } at || at < now - SubmissionTime)
                await _runs.Index.ForgetAsync(glance.Id, cancellationToken).ConfigureAwait(false);
        }
        else if (glance.State.Value.IsEnded())
        {
            if (await _runs.LoadAsync(glance.Id, cancellationToken).ConfigureAwait(false) is not { } run || !run.Standing.State.IsEnded()) return 0;
            if (run.Request.Webhook is not null) await _runs.Index.OweAsync(run.Standing, cancellationToken).ConfigureAwait(false);
            await _runs.Index.SettleAsync(run.Standing, cancellationToken).ConfigureAwait(false);
        }
        else if (glance.State == RunState.WaitingApproval)
        {
            if (await _runs.LoadAsync(glance.Id, cancellationToken).ConfigureAwait(false) is { Request.Webhook: not null } waiting)
                await _runs.Index.OweAsync(waiting.Standing, cancellationToken).ConfigureAwait(false);
        }
        else if (glance.LeaseExpires <= now)
        {
            var step = await _runs.ChangeAsync(
                glance.Id,
                (run, at) => run.Standing.IsExpired(at) ? RunTransitions.Expire(run.Standing, run.Agents, _options.MaxAttempts, at) : null,
                cancellationToken).ConfigureAwait(false);
            return step is null ? 0 : 1;
        }

        return 0;
    }

    private async Task EnqueueForgottenAsync(IReadOnlyList<Glance> queued, CancellationToken cancellationToken)
    {
        if (queued.Count == 0) return;
        var without = await _runs.Index.WithoutHintAsync([.. queued.Select(glance => glance.Id)], cancellationToken).ConfigureAwait(false);
        foreach (var glance in queued.Where(glance => without.Contains(glance.Id)))
            await _runs.Index.EnqueueAsync(glance.Id, glance.Begun, replace: false, cancellationToken).ConfigureAwait(false);
    }
}
