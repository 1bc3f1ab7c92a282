using System.Globalization;
using Agents.Runs;

namespace Agents.Api.Submit;

/// <summary>The query string of the list of runs.</summary>
internal static class RunQuery
{
    public static (RunFilter Filter, List<FieldError> Errors) Parse(string? state, string? limit, string? cursor)
    {
        var errors = new List<FieldError>();
        RunState? wanted = null;
        if (!string.IsNullOrEmpty(state))
        {
            wanted = Enum.GetValues<RunState>().Where(value => RunsJson.Word(value) == state).Select(value => (RunState?)value).SingleOrDefault();
            if (wanted is null)
                errors.Add(new("state", $"'{state}' is not a state. States are: {string.Join(", ", Enum.GetValues<RunState>().Select(RunsJson.Word))}."));
        }

        var filter = new RunFilter { State = wanted, Cursor = string.IsNullOrEmpty(cursor) ? null : cursor };
        if (string.IsNullOrEmpty(limit))
            return (filter, errors);
        if (!int.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out var count) || count is < 1 or > RunFilter.MaxLimit)
            errors.Add(new("limit", $"'{limit}' is not a number from 1 to {RunFilter.MaxLimit}."));
        return (filter with { Limit = count }, errors);
    }
}
