namespace McpGateway.Endpoints.Replicas;

/// <summary>What one gateway asks of another.</summary>
internal enum ReplicaMessageKind
{
    /// <summary>A client's session has ended.</summary>
    End,

    /// <summary>A client's message that needs no answer, for a call that runs or a question that waits there.</summary>
    Client,

    /// <summary>A message outside any call, for the GET stream there.</summary>
    Outside,

    /// <summary>A client has come back for a stream that is kept there. The stream's batches come to <see cref="ReplicaMessage.Relay"/>.</summary>
    Resume,

    /// <summary>What of the stream is to go to the client.</summary>
    Batch,

    /// <summary>The batches up to this one have come, and their reader lives.</summary>
    Acknowledge,

    /// <summary>The client has gone.</summary>
    Leave,

    /// <summary>A message of a client of the HTTP+SSE pair, whose stream is there.</summary>
    Pair,

    /// <summary>The status that answers a question.</summary>
    Reply,
}

/// <summary>One message between gateways.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Session">The client's session that it is about.</param>
internal sealed record ReplicaMessage(ReplicaMessageKind Kind, string Session)
{
    /// <summary>Bytes of a client's message, or of events; Base64 in JSON.</summary>
    public byte[]? Body { get; init; }

    /// <summary>Who has posted it.</summary>
    public string? From { get; init; }

    /// <summary>What a reply answers.</summary>
    public string? Question { get; init; }

    public int Status { get; init; }

    /// <summary>The upstream of the endpoint; null for the aggregate.</summary>
    public string? Scope { get; init; }

    public string? Relay { get; init; }

    public string? Stream { get; init; }

    /// <summary>Of a batch, or of the last event that the client has.</summary>
    public long Number { get; init; }

    /// <summary>True for the last batch.</summary>
    public bool IsOver { get; init; }
}
