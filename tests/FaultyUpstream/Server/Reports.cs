using System.Text.Json.Nodes;
using FaultyUpstream.Faults;

namespace FaultyUpstream.Server;

/// <summary>Everything a test can ask of the server, at one moment. The body of <c>GET /control</c>.</summary>
public sealed record UpstreamReport
{
    /// <summary>The revisions spoken.</summary>
    public required UpstreamEra Era { get; init; }

    /// <summary>How plain answers go out over Streamable HTTP.</summary>
    public required AnswerForm AnswerForm { get; init; }

    /// <summary>The faults that are set.</summary>
    public required IReadOnlyList<SetFault> Faults { get; init; }

    /// <summary>The sessions alive.</summary>
    public required IReadOnlyList<SessionReport> Sessions { get; init; }

    /// <summary>How many sessions there were.</summary>
    public required SessionCounts SessionCounts { get; init; }

    /// <summary>What was received and done.</summary>
    public required CountersReport Counters { get; init; }
}

/// <summary>A session alive.</summary>
/// <param name="Id">Its id on the wire; on stdio made up.</param>
/// <param name="Transport">How its client came.</param>
/// <param name="Version">What was negotiated; null before <c>initialize</c>.</param>
/// <param name="Ready">True after <c>notifications/initialized</c>.</param>
/// <param name="Client">The name the client gave.</param>
/// <param name="Counter">The number <c>add_to_counter</c> keeps.</param>
/// <param name="CallsRunning">Requests being executed.</param>
/// <param name="Requests">Requests received after <c>initialize</c>.</param>
/// <param name="Listening">Whether its client reads its stream.</param>
public sealed record SessionReport(
    string Id, UpstreamTransport Transport, string? Version, bool Ready, string? Client, long Counter, int CallsRunning, int Requests, bool Listening);

/// <summary>Sessions that finished <c>initialize</c>, by how they ended.</summary>
/// <param name="Opened">All of them.</param>
/// <param name="Open">Alive now.</param>
/// <param name="Deleted">Ended by the client with DELETE.</param>
/// <param name="Disconnected">Ended by the client's closing its stream or pipe.</param>
/// <param name="Dropped">Forgotten by the server, as told.</param>
public sealed record SessionCounts(int Opened, int Open, int Deleted, int Disconnected, int Dropped);

/// <summary>What was received and done since the start or the last reset.</summary>
public sealed record CountersReport
{
    /// <summary>Received, by method, whatever became of it; HTTP requests without a message as <c>GET</c> and <c>DELETE</c>.</summary>
    public required IReadOnlyDictionary<string, int> Requests { get; init; }

    /// <summary>Executions of tool calls that have the argument <c>call_id</c>, by it.</summary>
    public required IReadOnlyDictionary<string, int> Executions { get; init; }

    /// <summary>The same calls as they arrived, whatever became of them.</summary>
    public required IReadOnlyDictionary<string, int> Arrivals { get; init; }

    /// <summary>The faults that were done to such calls.</summary>
    public required IReadOnlyDictionary<string, IReadOnlyList<FaultKind>> FaultedCalls { get; init; }

    /// <summary>Requests hit, by fault.</summary>
    public required IReadOnlyDictionary<FaultKind, int> FaultsFired { get; init; }

    /// <summary>Cancellations received, in order.</summary>
    public required IReadOnlyList<CancellationReport> Cancellations { get; init; }

    /// <summary><c>initialize</c> answered with success.</summary>
    public required int Handshakes { get; init; }

    /// <summary>The most <c>initialize</c> that were waiting for their answer at one time.</summary>
    public required int HandshakesAtOnce { get; init; }

    /// <summary><c>server/discover</c> received.</summary>
    public required int Probes { get; init; }

    /// <summary>Tool calls being executed now.</summary>
    public required int CallsRunning { get; init; }
}

/// <summary>A cancellation received.</summary>
/// <param name="Session">The session; null where there is none.</param>
/// <param name="RequestId">The id it names; for a modern client that closed its stream the id of that request.</param>
/// <param name="Reason">What the client said; null for a closed stream.</param>
/// <param name="Running">Whether that request was running.</param>
public sealed record CancellationReport(string? Session, JsonNode? RequestId, string? Reason, bool Running);
