namespace McpGateway.Sessions;

/// <summary>Why a session was closed: one of a few codes for metrics, and a sentence for people.</summary>
/// <param name="Code">Low in number; an attribute of <c>mcp.gateway.pool.evictions</c>.</param>
/// <param name="Text">The rest of the sentence "The session was closed: …".</param>
internal sealed record CloseReason(string Code, string Text)
{
    public static readonly CloseReason UsedOnce = new("used_once", "used once");
    public static readonly CloseReason MaxUses = new("max_uses", "it has served as many calls as it may");
    public static readonly CloseReason Subscribed = new("subscribed", "its caller has subscribed to something");
    public static readonly CloseReason LevelSet = new("level_set", "its caller has set the log level");
    public static readonly CloseReason TaskUsed = new("task_used", "its caller has used a task");
    public static readonly CloseReason Asked = new("asked", "its caller was asked something");
    public static readonly CloseReason ClientLeft = new("client_left", "its client has left");
    public static readonly CloseReason OtherPrincipal = new("other_principal", "it served another principal");
    public static readonly CloseReason ServedAnother = new("served_another", "it has served another, and a pinned session starts unused");
    public static readonly CloseReason NotRecorded = new("not_recorded", "its use cannot be written to the ledger");
    public static readonly CloseReason MaxLifetime = new("max_lifetime", "it has passed its maximum lifetime");
    public static readonly CloseReason Idle = new("idle", "it was unused for long and is one more than wanted");
    public static readonly CloseReason IdleAffinity = new("idle_affinity", "nobody with its affinity has called for long");
    public static readonly CloseReason Evicted = new("evicted", "it was the least recently used when another was wanted");
    public static readonly CloseReason ProfileUnused = new("profile_unused", "its kind of client has not called for long, or less lately than others");
    public static readonly CloseReason Cancelled = new("cancelled", "its call was cancelled");
    public static readonly CloseReason NotAnswered = new("not_answered", "its call's client did not answer in time");
    public static readonly CloseReason TooManyParked = new("too_many_parked", "too many calls waited for their clients, and its call's client had taken longest to answer");
    public static readonly CloseReason TimedOut = new("timed_out", "its call did not end in time");
    public static readonly CloseReason Cleared = new("cleared", "an operator cleared the pool");
    public static readonly CloseReason Drained = new("drained", "an operator drained the upstream");
    public static readonly CloseReason Parked = new("parked", "parked for the next gateway");
    public static readonly CloseReason TakenOver = new("taken_over", "another gateway has taken it over");
    public static readonly CloseReason PermitLost = new("permit_lost", "it could not be made sure that no other gateway has the only session");
    public static readonly CloseReason Shutdown = new("shutdown", "the upstream is closed");

    /// <summary>It said something outside of a call that could meet its next caller.</summary>
    public static CloseReason Stray(string method) => new("stray", $"it said something that was for nobody ({method})");

    /// <summary>Its link has ended: the process left, the connection broke, the upstream answered that it knows no such session.</summary>
    /// <param name="how">What became of the link.</param>
    public static CloseReason Broken(string how) => new("broken", how);

    /// <summary>It did not answer a ping, or answered that it is lost.</summary>
    /// <param name="how">What the ping met.</param>
    public static CloseReason PingFailed(string how) => new("ping_failed", how);

    /// <summary>A call failed on it in a way that leaves no trust in it; the code is the kind of failure.</summary>
    public static CloseReason Of(UpstreamException failure) => new(PoolMeter.Spell(failure.Kind), failure.Message);
}
