using Chaos.Fleet;

namespace Chaos.Callers;

/// <summary>
/// Tells from the numbers that upstream sessions keep whether a caller has seen another's state. Callers that own their sessions each add a prime
/// of their own, those that do not add 1: so a foreign addition shows in the remainder, and an addition that was executed twice in the quotient.
/// </summary>
internal sealed class CounterWitness(int caller, bool ownsSessions)
{
    /// <summary>Above what all callers without sessions add together in the largest run.</summary>
    private const int FirstPrime = 500_000;

    private readonly Dictionary<string, int> _added = [];
    private readonly List<string> _leaks = [];

    public int Amount { get; } = ownsSessions ? Prime(caller) : 1;

    public IReadOnlyList<string> Leaks => _leaks;

    /// <summary>Notes an addition that is sent, whatever becomes of it.</summary>
    public void Adds(FleetMember upstream) => _added[upstream.Name] = _added.GetValueOrDefault(upstream.Name) + 1;

    /// <summary>From now on its sessions are others.</summary>
    public void StartAnew() => _added.Clear();

    public void Saw(FleetMember upstream, string call, string tool, long value)
    {
        if (!upstream.KeepsState || upstream.Mode == "shared") return;
        var fault = upstream.Mode switch
        {
            "single-use" => value == (tool == "add_to_counter" ? Amount : 0) ? null : "the session was not unused",
            "exclusive" => null,
            _ when ownsSessions && value % Amount != 0 => "somebody else has added to it",
            _ when ownsSessions && (value < 0 || value / Amount > _added.GetValueOrDefault(upstream.Name)) => $"it was added to more often than the {_added.GetValueOrDefault(upstream.Name)} times of this session",
            _ when !ownsSessions && value >= FirstPrime => "it was a session of a caller that owns its sessions",
            _ => null,
        };
        if (fault is not null) _leaks.Add($"{call} {tool} on {upstream.Name}, {(ownsSessions ? "own" : "any")} session, adds {Amount}: saw {value}, {fault}");
    }

    private static int Prime(int index)
    {
        var candidate = FirstPrime;
        for (var found = -1; found < index;)
        {
            candidate++;
            if (Enumerable.Range(2, (int)Math.Sqrt(candidate) - 1).All(divisor => candidate % divisor != 0)) found++;
        }

        return candidate;
    }
}
