namespace McpGateway.Endpoints.Replicas;

/// <summary>What one gateway asks of another.</summary>
internal enum ReplicaMessageKind
{
    /// <summary>A client's session has ended.</summary>
    End,

    /// <summary>A client's message that needs no answer, for a call that runs or a question that waits there.</summary>
    Client,
}

/// <summary>One message between gateways.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Session">The client's session that it is about.</param>
internal sealed record ReplicaMessage(ReplicaMessageKind Kind, string Session)
{
    /// <summary>Bytes of a client's message; Base64 in JSON.</summary>
    public byte[]? Body { get; init; }
}
