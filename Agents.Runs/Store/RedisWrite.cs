using StackExchange.Redis;

namespace Agents.Runs;

/// <summary>What is to be written to one run, all of it or nothing.</summary>
internal sealed class RedisWrite
{
    private readonly List<RedisValue> _run = [];
    private readonly List<RedisValue> _work = [];
    private readonly List<RedisValue> _calls = [];
    private readonly List<RedisValue> _events = [];

    /// <summary>Refuses when this lease no longer holds; null asks for none.</summary>
    public RunLease? Lease { get; init; }

    /// <summary>Refuses when this is not the run's revision any more; null when the write depends on nothing that was read.</summary>
    public long? Revision { get; init; }

    /// <summary>Whether this is the run's last change, from which its time to live counts.</summary>
    public bool Ends { get; private set; }

    public bool Changes => _run.Count > 0;

    /// <summary>A run's new standing with its agents and events.</summary>
    public RedisWrite Add(RunStep step, RedisRun before, DateTimeOffset now)
    {
        _run.AddRange(RedisRun.Fields(step.Run));
        foreach (var agent in step.Agents) _run.AddRange(RedisRun.Fields(agent));
        Ends = step.Ends;
        if (step.Ends) _work.AddRange(before.Agents.SelectMany(agent => new RedisValue[] { RedisWork.Checkpoint(agent.Name), "" }));
        return Add(step.Events, now);
    }

    /// <summary>An agent's standing, announced when its state changed.</summary>
    public void Add(AgentExecution agent, AgentExecution before, DateTimeOffset now)
    {
        _run.AddRange(RedisRun.Fields(agent));
        _work.AddRange([RedisWork.Result(agent.Name), agent.Result is { } result ? StoredJson.Write(result) : ""]);
        if (agent.State != before.State) Add([RunTransitions.Announce(agent)], now);
    }

    public void Add(AgentCheckpoint checkpoint) => _work.AddRange([RedisWork.Checkpoint(checkpoint.Agent), StoredJson.Write(checkpoint.State)]);

    public void Add(ToolCallEnd end, RedisCall call, DateTimeOffset now)
    {
        _calls.AddRange([end.Number, StoredJson.Write(new RedisCallEnd(end.Result, end.IsError, end.Duration.TotalMilliseconds))]);
        Add([RunTransitions.Announce(end, call.Agent, call.Tool)], now);
    }

    public RedisWrite Add(IEnumerable<RunEventDraft> events, DateTimeOffset now)
    {
        _events.AddRange(events.Select(draft => (RedisValue)RedisEvent.Write(draft, now)));
        return this;
    }

    public RedisWrite AddExpiry(DateTimeOffset expires)
    {
        _run.AddRange(RedisRun.Fields(expires));
        return this;
    }

    /// <summary>The values of <see cref="RedisScripts.Write"/>.</summary>
    public RedisValue[] Values(RedisWriters.Writer writer, string channel, string runId, TimeSpan retention) =>
    [
        writer.Name, writer.Turn, Lease is { } lease ? lease.Attempt : "", Revision is { } revision ? revision : "", Changes ? 1 : 0, channel, runId,
        Ends ? (long)retention.TotalMilliseconds : "",
        _run.Count, .. _run, _work.Count, .. _work, _calls.Count, .. _calls, _events.Count, .. _events,
    ];
}
