using FaultyUpstream.Faults;

namespace Chaos.Fleet;

/// <summary>What an upstream itself knows of calls, by call id, over all its lives and processes, those that were killed included.</summary>
/// <param name="Arrivals">How often each arrived, refused or not.</param>
/// <param name="Executions">How often each was executed.</param>
/// <param name="Faults">What was done to each.</param>
internal sealed record UpstreamCalls(IReadOnlyDictionary<string, int> Arrivals, IReadOnlyDictionary<string, int> Executions, ILookup<string, FaultKind> Faults)
{
    public int Arrived(string id) => Arrivals.GetValueOrDefault(id);

    public int Executed(string id) => Executions.GetValueOrDefault(id);
}
