using System.ComponentModel;
using System.Globalization;
using Agents.Api.Catalog;
using Agents.Runs;
using Microsoft.AspNetCore.Mvc;

namespace Agents.Api.Submit;

/// <summary>The query string of the list of runs.</summary>
internal sealed record RunQuery
{
    [FromQuery(Name = "state"), Description("Only runs in this state.")]
    public string? State { get; init; }

    [FromQuery(Name = "repository"), Description("Only runs about this repository.")]
    public string? Repository { get; init; }

    [FromQuery(Name = "agent"), Description("Only runs that ask this agent.")]
    public string? Agent { get; init; }

    [FromQuery(Name = "conversation_id"), Description("Only runs of this conversation.")]
    public string? ConversationId { get; init; }

    [FromQuery(Name = "created_after"), Description("Only runs made at this time or later: a date and time of RFC 3339, such as 2026-01-31T00:00:00Z.")]
    public string? CreatedAfter { get; init; }

    [FromQuery(Name = "created_before"), Description("Only runs made before this time.")]
    public string? CreatedBefore { get; init; }

    [FromQuery(Name = "limit"), Description("At most so many, 1 to 200; 50 by default.")]
    public string? Limit { get; init; }

    [FromQuery(Name = "cursor"), Description("'next' of the page before.")]
    public string? Cursor { get; init; }

    private static readonly string[] Known = ["state", "repository", "agent", "conversation_id", "created_after", "created_before", "limit", "cursor"];

    // RFC 3339 is ISO 8601 with an offset; without one a time would mean another moment on every machine.
    private static readonly string[] Formats =
        ["yyyy-MM-dd'T'HH:mm:sszzz", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFzzz", "yyyy-MM-dd'T'HH:mm:ss'Z'", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'"];

    /// <summary>The filter, and everything wrong with it. A name nobody knows is refused: a misspelt filter must not silently be none.</summary>
    /// <param name="given">The names of the query string.</param>
    /// <param name="repositories">What a repository is called.</param>
    /// <param name="owner">The caller, who sees their own runs; null sees all.</param>
    public (RunFilter Filter, List<FieldError> Errors) Parse(IEnumerable<string> given, RepositoryCatalog repositories, string? owner)
    {
        var errors = given.Except(Known).Select(name => new FieldError(name, $"is not known here. Known are: {string.Join(", ", Known)}.")).ToList();
        var filter = new RunFilter
        {
            State = ParseState(errors),
            // Runs keep the configured spelling.
            Repository = Text(Repository) is { } name ? repositories.Find(name)?.Name ?? name : null,
            Agent = Text(Agent),
            ConversationId = Text(ConversationId),
            From = ParseTime("created_after", CreatedAfter, errors),
            Until = ParseTime("created_before", CreatedBefore, errors),
            Owner = owner,
            Cursor = Text(Cursor),
        };
        return (Text(Limit) is { } limit ? filter with { Limit = ParseLimit(limit, errors) } : filter, errors);
    }

    private RunState? ParseState(List<FieldError> errors)
    {
        if (Text(State) is not { } word)
            return null;
        var states = Enum.GetValues<RunState>();
        var found = states.Where(state => RunsJson.Word(state) == word).Select(state => (RunState?)state).SingleOrDefault();
        if (found is null)
            errors.Add(new("state", $"'{word}' is not a state. States are: {string.Join(", ", states.Select(RunsJson.Word))}."));
        return found;
    }

    private static DateTimeOffset? ParseTime(string field, string? text, List<FieldError> errors)
    {
        if (Text(text) is not { } given)
            return null;
        if (DateTimeOffset.TryParseExact(given, Formats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
            return time;
        errors.Add(new(field, $"'{given}' is not a date and time with an offset, such as 2026-01-31T00:00:00Z. A '+' in an address is written %2B."));
        return null;
    }

    private static int ParseLimit(string text, List<FieldError> errors)
    {
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count is >= 1 and <= RunFilter.MaxLimit)
            return count;
        errors.Add(new("limit", $"'{text}' is not a number from 1 to {RunFilter.MaxLimit}."));
        return RunFilter.MaxLimit;
    }

    private static string? Text(string? value) => string.IsNullOrEmpty(value) ? null : value;
}
