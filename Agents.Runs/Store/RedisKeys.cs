using StackExchange.Redis;

namespace Agents.Runs;

/// <summary>
/// The keys in Redis. All begin with the tenant. The keys of one run share a cluster slot (the id in braces), so that one script may change
/// them together; what concerns all runs shares another.
/// </summary>
internal sealed class RedisKeys(string tenant)
{
    private readonly string _prefix = $"agents:{tenant}:";

    /// <summary>Where changes are announced: an id of a run, or <see cref="ChangeSignals.Queue"/>.</summary>
    public string Channel => $"{_prefix}changes";

    /// <summary><see cref="Channel"/> as the client library names it.</summary>
    public RedisChannel Changes => new(Channel, RedisChannel.PatternMode.Literal);

    /// <summary>Hash: the run's record, the truth about it.</summary>
    public RedisKey Run(string id) => $"{_prefix}run:{{{id}}}";

    /// <summary>Hash: results and checkpoints of its agents, which may be long.</summary>
    public RedisKey Work(string id) => $"{_prefix}run:{{{id}}}:work";

    /// <summary>List: its events. The place in the list is the sequence, so there is neither gap nor duplicate.</summary>
    public RedisKey Events(string id) => $"{_prefix}run:{{{id}}}:events";

    /// <summary>Hash: its tool calls by number, and their ends.</summary>
    public RedisKey Calls(string id) => $"{_prefix}run:{{{id}}}:calls";

    /// <summary>Hash: the last write of each writer and what was answered; see <see cref="RedisWriters"/>.</summary>
    public RedisKey Writes(string id) => $"{_prefix}run:{{{id}}}:writes";

    /// <summary>All keys of a run, the record first.</summary>
    public RedisKey[] Of(string id) => [Run(id), Work(id), Events(id), Calls(id), Writes(id)];

    /// <summary>String: the version of this arrangement of keys.</summary>
    public RedisKey Schema => $"{_prefix}{{runs}}:schema";

    /// <summary>Counter: gives each run its place in the order of runs.</summary>
    public RedisKey Ordinal => $"{_prefix}{{runs}}:ordinal";

    /// <summary>Sorted set: every run by its place.</summary>
    public RedisKey All => $"{_prefix}{{runs}}:all";

    /// <summary>Sorted set: the runs that have not ended, by their place. One may be in it that has just ended.</summary>
    public RedisKey Open => $"{_prefix}{{runs}}:open";

    /// <summary>Sorted set: the runs whose submission is under way, by its time.</summary>
    public RedisKey New => $"{_prefix}{{runs}}:new";

    /// <summary>Sorted set: the ended runs, by their end.</summary>
    public RedisKey Ended => $"{_prefix}{{runs}}:ended";

    /// <summary>Stream: hints that a run is queued.</summary>
    public RedisKey Queue => $"{_prefix}{{runs}}:queue";

    /// <summary>Stream: hints that a run that was begun before is queued again. It is read first.</summary>
    public RedisKey Again => $"{_prefix}{{runs}}:again";

    /// <summary>Hash: the stream entry of each run that has one.</summary>
    public RedisKey Entries => $"{_prefix}{{runs}}:entries";

    /// <summary>Sorted set: messages to clients that are still to be delivered, by when they are due.</summary>
    public RedisKey Webhooks => $"{_prefix}{{runs}}:webhooks";

    /// <summary>Hash: the number of the last message that was put in for each open run.</summary>
    public RedisKey WebhooksTold => $"{_prefix}{{runs}}:webhooks-told";

    /// <summary>Hash: how often each of these was taken.</summary>
    public RedisKey WebhookAttempts => $"{_prefix}{{runs}}:webhook-attempts";

    /// <summary>Sorted set: the runs that ended in a state, by their place.</summary>
    public RedisKey In(RunState state) => $"{_prefix}{{runs}}:in:{RunsJson.Word(state)}";

    /// <summary>Sorted set: the runs of one caller's conversation, by their place.</summary>
    public RedisKey Conversation(string? owner, string id) => $"{_prefix}{{runs}}:conversation:{OwnedName.DigestOf(owner, id)}";

    /// <summary>String: what a client's idempotency key was used for.</summary>
    public RedisKey Submission(string digest) => $"{_prefix}submission:{digest}";

    /// <summary>Hash: the users' agents by owner and name.</summary>
    public RedisKey DefinitionNames => $"{_prefix}{{agents}}:names";

    /// <summary>Set: the ids of an owner's agents.</summary>
    public RedisKey DefinitionsOf(string? owner) => $"{_prefix}{{agents}}:of:{OwnedName.DigestOf(owner, "")}";

    /// <summary>Hash: a user's agent with all its versions.</summary>
    public RedisKey Definition(string id) => $"{_prefix}{{agents}}:agent:{id}";
}
