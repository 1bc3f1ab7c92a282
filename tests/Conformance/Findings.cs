using Conformance.Peers;
using Conformance.Setting;

namespace Conformance;

/// <summary>Something that did not pass.</summary>
/// <param name="Where">A cell of the table, or a pair of peers.</param>
/// <param name="What">A scenario, or a step of a tour.</param>
/// <param name="Why">What was wrong, in the words of the suite or the peer.</param>
internal sealed record Fault(string Where, string What, string Why);

/// <summary>All that was measured.</summary>
internal sealed record Findings(Results Suite, IReadOnlyDictionary<PeerPair, Tour> Peers)
{
    /// <summary>What did not pass and counts, in the order of the tables.</summary>
    public IEnumerable<Fault> Failed() => Cell.All.SelectMany(Of).Concat(PeerPair.All.SelectMany(Of));

    public IEnumerable<Fault> Of(Cell cell) => Suite.Failed(cell).SelectMany(result => result.Faults.Select(fault => new Fault(cell.ToString(), result.Name, fault)));

    public IEnumerable<Fault> Of(PeerPair pair) => Peers[pair].Steps.Where(step => step.Value is not null).Select(step => new Fault(pair.ToString(), step.Key, step.Value!));
}
