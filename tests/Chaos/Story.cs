using Chaos.Callers;
using Chaos.Fleet;

namespace Chaos;

/// <summary>What happened in a run, for people: the seed, the counts and every violation.</summary>
internal static class Story
{
    public static string Of(ChaosSettings settings, IReadOnlyList<FleetMember> fleet, IReadOnlyList<Caller> callers, Invariants invariants)
    {
        var episodes = fleet.SelectMany(member => member.Episodes).GroupBy(episode => episode.Key).OrderBy(group => group.Key, StringComparer.Ordinal).Select(group => $"{group.Key} {group.Sum(episode => episode.Value)}");
        var manners = callers.CountBy(caller => caller.Manner).OrderBy(manner => manner.Key).Select(manner => $"{manner.Key} {manner.Value}");
        return $"""
            {settings}: {invariants.Records.Count} calls = {string.Join(" + ", Enum.GetValues<Outcome>().Select(outcome => $"{invariants.Count(outcome)} {outcome}"))}
            in {invariants.Records.Max(record => record.To).TotalSeconds - invariants.Records.Min(record => record.From).TotalSeconds:0.0} s; executions of one call at most {invariants.MostExecutions}; repeats inside the gateway {invariants.Repeats}; handshakes {fleet.Sum(member => member.Handshakes)}
            callers: {string.Join(", ", manners)}; begun again after a restart {callers.Sum(caller => caller.Reinitialized)}
            upstreams: {string.Join(", ", episodes)}
            {string.Join("\n", invariants.Violations)}
            """;
    }
}
