using Chaos.Callers;
using Chaos.Fleet;

namespace Chaos;

/// <summary>What must hold of a run, whatever has happened; collects every violation, so that one does not hide another.</summary>
internal sealed class Invariants(IReadOnlyList<Caller> callers, IReadOnlyList<FleetMember> fleet)
{
    private const int Shown = 8;

    /// <summary>After an upstream is back the gateway still waits for its next attempt: the back-off of a few failed handshakes.</summary>
    private static readonly TimeSpan s_backOff = TimeSpan.FromSeconds(3);

    /// <summary>A connection that a restart has reset is found broken by the next call on it.</summary>
    private static readonly TimeSpan s_reset = TimeSpan.FromSeconds(0.5);

    private readonly List<string> _violations = [];

    public IReadOnlyList<CallRecord> Records { get; } = [.. callers.SelectMany(caller => caller.Records)];

    public IReadOnlyList<string> Violations => _violations;

    public int Count(Outcome outcome) => Records.Count(record => record.Outcome == outcome);

    /// <summary>Checks all that callers and upstreams know together.</summary>
    public void Check()
    {
        Report("errors that no caller may see", Records.Where(record => record.Outcome == Outcome.Wrong));
        Report("'not available' while the upstream was up", Records.Where(record => record.Outcome == Outcome.Unavailable && !IsExcused(record, TroubleKind.Down, s_backOff)));
        Report("'outcome unknown' while nothing broke", Records.Where(record => record.Outcome == Outcome.OutcomeUnknown && !IsExcused(record, TroubleKind.Breaks, s_reset)));
        Report("states seen that were another's", callers.SelectMany(caller => caller.Leaks));
        CheckExecutions();
    }

    /// <summary>Adds what was found elsewhere.</summary>
    public void Report<T>(string what, IEnumerable<T> violations)
    {
        var all = violations.ToList();
        if (all.Count > 0) _violations.Add($"{all.Count} {what}:\n    {string.Join("\n    ", all.Take(Shown))}{(all.Count > Shown ? "\n    …" : "")}");
    }

    private void CheckExecutions()
    {
        var executions = fleet.ToDictionary(member => member.Name, member => member.Executions());
        Report("calls executed more than once", executions.SelectMany(member => member.Value.Where(call => call.Value > 1).Select(call => $"{call.Key} on {member.Key}: {call.Value} times")));
        Report("calls executed by two upstreams", executions.SelectMany(member => member.Value.Keys).CountBy(id => id).Where(call => call.Value > 1));
        Report("calls answered but not executed", Records.Where(record => Counts(record) && record.Outcome == Outcome.Answered && !executions[record.Upstream].ContainsKey(record.Id)));
        Report("calls executed although they 'did not run'", Records.Where(record => record.Outcome == Outcome.Unavailable && executions[record.Upstream].ContainsKey(record.Id)));
    }

    private static bool Counts(CallRecord record) => record.Tool is "execute_once" or "slow";

    private bool IsExcused(CallRecord record, TroubleKind kind, TimeSpan afterEffect) =>
        fleet.First(member => member.Name == record.Upstream).Troubles.Excuses(kind, record.From, record.To, afterEffect);
}
