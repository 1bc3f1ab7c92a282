using System.Globalization;
using System.Text.Json;
using Agents.Runs;

namespace Agents.Api.Stream;

/// <summary>
/// The tool calls of a run that a client has heard of and that have no result yet. A call that waits for consent is known by its approval
/// first and keeps that id when it is made, so that a client shows one call and not two.
/// </summary>
internal sealed class ToolCallIds(string runId)
{
    private readonly SortedDictionary<int, string> _open = [];
    private readonly SortedDictionary<string, (RunEvent Approval, bool IsApproved)> _wanted = new(StringComparer.Ordinal);

    /// <summary>A call is wanted and waits for consent.</summary>
    public string Want(RunEvent approval)
    {
        var id = approval.Text("id");
        _wanted[id] = (approval, IsApproved: false);
        return Id(id);
    }

    /// <summary>Somebody decided about a call.</summary>
    /// <returns>The call's id; null when nobody had wanted it.</returns>
    public string? Decide(RunEvent approval, bool approved)
    {
        var id = approval.Text("id");
        if (!_wanted.Remove(id))
            return null;
        if (approved)
            _wanted[id] = (approval, IsApproved: true);
        return Id(id);
    }

    /// <summary>A call is made.</summary>
    public string Begin(RunEvent call)
    {
        var number = call.Data.GetProperty("number").GetInt32();
        var wanted = _wanted.FirstOrDefault(wanted => wanted.Value.IsApproved && IsSame(wanted.Value.Approval, call)).Key;
        if (wanted is not null)
            _wanted.Remove(wanted);
        return _open[number] = Id(wanted ?? number.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>A call has a result.</summary>
    /// <returns>The call's id; null when it was never begun.</returns>
    public string? End(RunEvent result) => _open.Remove(result.Data.GetProperty("number").GetInt32(), out var id) ? id : null;

    /// <summary>The calls that were made and have no result; the run ended, and they will have none.</summary>
    public IEnumerable<string> Open => _open.Values;

    /// <summary>The calls that were wanted and not made.</summary>
    public IEnumerable<string> Wanted => _wanted.Keys.Select(Id);

    private string Id(string name) => $"{runId}-call-{name}";

    private static bool IsSame(RunEvent wanted, RunEvent call) => wanted.Agent == call.Agent
        && wanted.Text("tool") == call.Text("tool")
        && JsonElement.DeepEquals(wanted.Data.GetProperty("arguments"), call.Data.GetProperty("arguments"));
}
