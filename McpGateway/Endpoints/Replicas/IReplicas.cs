namespace McpGateway.Endpoints.Replicas;

/// <summary>The other gateways that share this one's store. No method fails or waits long because the store does: what it cannot carry is not delivered.</summary>
internal interface IReplicas
{
    /// <summary>This gateway among them: part of the ids that lead back to it. Empty where it is alone.</summary>
    string Name { get; }

    /// <summary>Puts a message into another gateway's inbox.</summary>
    Task<PostOutcome> PostAsync(string replica, ReplicaMessage message);

    /// <summary>Puts a message into the inbox of every other gateway that has the session in memory. They are known from the store; nobody else is asked.</summary>
    Task SpreadAsync(ReplicaMessage message);

    /// <summary>Notes that the client of a session listens here from now on, and nowhere else.</summary>
    Task ListenAsync(string session);

    /// <summary>Puts a message into the inbox of the gateway that the session's client listens at; false when that is this one, dead, or unknown.</summary>
    Task<bool> TrySendToListenerAsync(ReplicaMessage message);
}

/// <summary>What became of a message.</summary>
internal enum PostOutcome
{
    /// <summary>It is in the inbox.</summary>
    Delivered,

    /// <summary>That gateway is dead, and what it had is gone.</summary>
    Dead,

    /// <summary>The store does not answer, or that gateway does not keep up.</summary>
    Unavailable,
}

/// <summary>Without Redis there is one gateway.</summary>
internal sealed class NoReplicas : IReplicas
{
    public string Name => "";

    public Task<PostOutcome> PostAsync(string replica, ReplicaMessage message) => Task.FromResult(PostOutcome.Dead);

    public Task SpreadAsync(ReplicaMessage message) => Task.CompletedTask;

    public Task ListenAsync(string session) => Task.CompletedTask;

    public Task<bool> TrySendToListenerAsync(ReplicaMessage message) => Task.FromResult(false);
}
