using System.Text.Json.Nodes;
using FaultyUpstream.Control;
using FaultyUpstream.Faults;
using FaultyUpstream.Protocol;

namespace FaultyUpstream.Server;

/// <summary>What happened, for tests to assert on. Invariant: <c>_gate</c> guards every member, so that a report is of one moment.</summary>
internal sealed class Counters(UpstreamRecord.Writer? record)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, int> _requests = [];
    private readonly Dictionary<string, int> _executions = [];
    private readonly Dictionary<string, int> _arrivals = [];
    private readonly Dictionary<string, List<FaultKind>> _faulted = [];
    private readonly Dictionary<FaultKind, int> _faults = [];
    private readonly List<CancellationReport> _cancellations = [];
    private int _handshakes;
    private int _handshakesRunning;
    private int _handshakesAtOnce;
    private int _callsRunning;

    public void Arrived(Arrival arrival)
    {
        var call = arrival.Message?.CallId;
        if (call is not null) record?.Arrived(call);
        lock (_gate)
        {
            if (call is not null) _arrivals[call] = _arrivals.GetValueOrDefault(call) + 1;
            _requests[arrival.Label] = _requests.GetValueOrDefault(arrival.Label) + 1;
            if (arrival.Label == Methods.Initialize) _handshakesAtOnce = Math.Max(_handshakesAtOnce, ++_handshakesRunning);
        }
    }

    public void Left(Arrival arrival)
    {
        lock (_gate)
        {
            if (arrival.Label == Methods.Initialize) _handshakesRunning--;
        }
    }

    public void ShookHands()
    {
        lock (_gate) _handshakes++;
    }

    public void Fired(FaultKind kind, string? callId = null)
    {
        if (callId is not null) record?.Faulted(callId, kind);
        lock (_gate)
        {
            _faults[kind] = _faults.GetValueOrDefault(kind) + 1;
            if (callId is null) return;
            if (!_faulted.TryGetValue(callId, out var met)) _faulted[callId] = met = [];
            met.Add(kind);
        }
    }

    public void Cancelled(string? session, JsonNode? requestId, string? reason, bool running)
    {
        record?.Cancelled(requestId?.ToJsonString() ?? "null");
        lock (_gate) _cancellations.Add(new CancellationReport(session, requestId?.DeepClone(), reason, running));
    }

    /// <returns>How often this call id has been executed, this time included.</returns>
    public int Executed(string callId)
    {
        record?.Executed(callId);
        lock (_gate) return _executions[callId] = _executions.GetValueOrDefault(callId) + 1;
    }

    public void CallBegan()
    {
        lock (_gate) _callsRunning++;
    }

    public void CallEnded()
    {
        lock (_gate) _callsRunning--;
    }

    /// <summary>Starts anew; what is running goes on being counted as running.</summary>
    public void Reset()
    {
        lock (_gate)
        {
            _requests.Clear();
            _executions.Clear();
            _arrivals.Clear();
            _faulted.Clear();
            _faults.Clear();
            _cancellations.Clear();
            (_handshakes, _handshakesAtOnce) = (0, _handshakesRunning);
        }
    }

    public CountersReport Read()
    {
        lock (_gate)
        {
            return new CountersReport
            {
                Requests = new Dictionary<string, int>(_requests),
                Executions = new Dictionary<string, int>(_executions),
                Arrivals = new Dictionary<string, int>(_arrivals),
                FaultedCalls = _faulted.ToDictionary(call => call.Key, call => (IReadOnlyList<FaultKind>)[.. call.Value]),
                FaultsFired = new Dictionary<FaultKind, int>(_faults),
                Cancellations = [.. _cancellations],
                Handshakes = _handshakes,
                HandshakesAtOnce = _handshakesAtOnce,
                Probes = _requests.GetValueOrDefault(Methods.Discover),
                CallsRunning = _callsRunning,
            };
        }
    }
}
