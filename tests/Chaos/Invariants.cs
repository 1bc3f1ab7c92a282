using Chaos.Callers;
using Chaos.Fleet;
using FaultyUpstream.Faults;

namespace Chaos;

/// <summary>
/// What must hold of a run, whatever has happened; collects every violation, so that one does not hide another. An error is excused by what
/// happened, never by how long ago: by what the upstream noted under the call's id, or by a trouble of the upstream that the call has met.
/// </summary>
internal sealed class Invariants(IReadOnlyList<Caller> callers, IReadOnlyList<FleetMember> fleet)
{
    private const int Shown = 8;

    /// <summary>Sessions on which the gateway tries a call before it says that the upstream is not available.</summary>
    private const int Attempts = 3;

    /// <summary>Faults by which an upstream takes one call and never answers it.</summary>
    private static readonly FaultKind[] s_unanswered = [FaultKind.Cut, FaultKind.Crash, FaultKind.Hang];

    private readonly List<string> _violations = [];
    private readonly Dictionary<string, FleetMember> _members = fleet.ToDictionary(member => member.Name);
    private readonly Dictionary<string, UpstreamCalls> _calls = fleet.ToDictionary(member => member.Name, member => member.Calls());

    public IReadOnlyList<CallRecord> Records { get; } = [.. callers.SelectMany(caller => caller.Records)];

    public IReadOnlyList<string> Violations => _violations;

    /// <summary>How often the gateway has sent a call again, on the same session or another.</summary>
    public int Repeats => _calls.Values.SelectMany(calls => calls.Arrivals.Values).Sum(arrivals => arrivals - 1);

    public int MostExecutions => _calls.Values.SelectMany(calls => calls.Executions.Values).DefaultIfEmpty().Max();

    public int Count(Outcome outcome) => Records.Count(record => record.Outcome == outcome);

    /// <summary>Checks all that callers and upstreams know together.</summary>
    public void Check()
    {
        Report("errors that no caller may see", Records.Where(record => record.Outcome == Outcome.Wrong));
        Report("'not available' while the upstream was up", Records.Where(record => record.Outcome == Outcome.Unavailable && !MayBeUnavailable(record)).Select(Tell));
        Report("'outcome unknown' of calls that nothing happened to", Records.Where(record => record.Outcome == Outcome.OutcomeUnknown && !MayBeUnknown(record)).Select(Tell));
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
        var known = Records.ToDictionary(record => record.Id);
        var executed = _calls.SelectMany(member => member.Value.Executions.Select(call => (Upstream: member.Key, Id: call.Key, Times: call.Value))).ToList();
        Report("calls executed more than once", executed.Where(call => call.Times > 1).Select(call => $"{call.Id} on {call.Upstream}: {call.Times} times"));
        Report("executions of a call that nobody made there", executed.Where(call => !known.TryGetValue(call.Id, out var record) || record.Upstream != call.Upstream));
        Report("calls answered but not executed", Records.Where(record => record.Outcome == Outcome.Answered && _calls[record.Upstream].Executed(record.Id) == 0));
        Report("calls executed although they 'did not run'", Records.Where(record => record.Outcome == Outcome.Unavailable && _calls[record.Upstream].Executed(record.Id) > 0).Select(Tell));
    }

    /// <summary>It was down; or it was asked to be left alone, by this call; or it refused this call on one session after another.</summary>
    private bool MayBeUnavailable(CallRecord record)
    {
        var calls = _calls[record.Upstream];
        return _members[record.Upstream].Troubles.Excuses(TroubleKind.Down, record.From, record.To)
            || calls.Faults[record.Id].Contains(FaultKind.RateLimited)
            || calls.Arrived(record.Id) >= Attempts;
    }

    /// <summary>It arrived and was not answered, or what it was on was cut off, before or after it arrived.</summary>
    private bool MayBeUnknown(CallRecord record) =>
        _calls[record.Upstream].Faults[record.Id].Any(s_unanswered.Contains)
        || _members[record.Upstream].Troubles.Excuses(TroubleKind.Cuts, record.From, record.To);

    /// <summary>A call and all that is known of it, for whoever has to find the cause.</summary>
    private string Tell(CallRecord record)
    {
        var calls = _calls[record.Upstream];
        return $"{record} [arrived {calls.Arrived(record.Id)}, executed {calls.Executed(record.Id)}, met {string.Join(' ', calls.Faults[record.Id])}; its upstream was {_members[record.Upstream].Troubles.Around(record.To)}]";
    }
}
