using McpGateway.Calls;
using McpGateway.Protocol;

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

    /// <summary>One end of a relay has gone: the client, or what it was to get.</summary>
    Leave,

    /// <summary>A client has brought its answers for a call that is parked there. The call's messages come to <see cref="ReplicaMessage.Relay"/>.</summary>
    GoOn,

    /// <summary>One of the call's messages, or only that it is alive.</summary>
    Part,

    /// <summary>A message of a client of the HTTP+SSE pair, whose stream is there.</summary>
    Pair,

    /// <summary>The status that answers a question.</summary>
    Reply,
}

/// <summary>One message between gateways.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Session">The client's session that it is about; empty for none.</param>
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

    /// <summary>Of a batch or part, or of the last event that the client has.</summary>
    public long Number { get; init; }

    /// <summary>True for the last batch or part.</summary>
    public bool IsOver { get; init; }

    /// <summary>The call that goes on; <see cref="Body"/> is the client's request.</summary>
    public ReplicaCall? Call { get; init; }

    /// <summary>An error of the owner's that is the answer.</summary>
    public RpcError? Error { get; init; }
}

/// <summary>What a gateway has found out about a client's request before it turned out to be another's.</summary>
/// <param name="Upstream">Where it goes.</param>
/// <param name="UpstreamName">The tool's or prompt's name there, if it differs from the one in the request.</param>
/// <param name="Principal">Who calls.</param>
/// <param name="Affinity">See <see cref="Sessions.SessionKey.Affinity"/>.</param>
/// <param name="Parameters">Headers <c>Mcp-Param-*</c>.</param>
/// <param name="Trace">The trace that its HTTP request names.</param>
internal sealed record ReplicaCall(string Upstream, string? UpstreamName, string Principal, string? Affinity, IReadOnlyList<KeyValuePair<string, string>>? Parameters, CallTrace? Trace);
