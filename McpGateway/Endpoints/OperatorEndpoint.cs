using System.Globalization;
using McpGateway.Calls;
using McpGateway.Calls.Lists;
using McpGateway.Sessions;
using McpGateway.Upstreams;

namespace McpGateway.Endpoints;

/// <summary>What an operator sees of an upstream. Headers, arguments and session ids are not part of it. Nothing is attempted while it is drained.</summary>
internal sealed record UpstreamReport(
    string Name,
    string State,
    string Summary,
    string Target,
    string? Transport,
    string? Version,
    string? Era,
    int? Tools,
    PoolReport Pool,
    CallReport Calls,
    string? LastFailure,
    DateTimeOffset? LastFailureAt,
    DateTimeOffset? NextAttemptAt,
    IReadOnlyList<TimelineEvent>? Timeline);

/// <summary>Numbers of an upstream's pool and what they may be. <c>Parked</c> are in use by calls that all wait for their client's input, <c>Leased</c> the others in use.</summary>
internal sealed record PoolReport(string Mode, int Idle, int Leased, int Parked, int Pinned, int Opening, int Waiting, int Total, int MinIdle, int Max, long Handshakes, int? HandshakesPerMinute);

/// <summary>Calls that have ended since the upstream was loaded, but for those that their caller gave up and those that no session decided (<see cref="CallMeter"/>).</summary>
/// <param name="Total">All of them.</param>
/// <param name="FirstAttempt">Those that the first attempt answered.</param>
/// <param name="FirstAttemptRatio">The second by the first; null before the first call.</param>
internal sealed record CallReport(long Total, long FirstAttempt, double? FirstAttemptRatio);

/// <summary>Answers <c>GET /upstreams</c> and <c>GET /upstreams/{name}</c>.</summary>
internal static class OperatorEndpoint
{
    public static IEnumerable<UpstreamReport> List(UpstreamRegistry upstreams) => upstreams.All.Select(upstream => Report(upstream, withTimeline: false));

    public static IResult Find(UpstreamRegistry upstreams, string name) => upstreams.Find(name) is { } upstream
        ? Results.Json(Report(upstream, withTimeline: true), OperatorJson.Options)
        : Results.Problem(statusCode: StatusCodes.Status404NotFound, title: $"There is no upstream '{name}'.", detail: $"Known: {string.Join(", ", upstreams.All.Select(known => known.Name))}.");

    /// <summary>Asks for warm sessions ahead of a need.</summary>
    /// <param name="upstreams">Those there are.</param>
    /// <param name="name">Which one.</param>
    /// <param name="count">How many, as the query has it: read here, since the framework refuses what is no number without a word. Null for <c>pool.minIdle</c>.</param>
    public static IResult Warm(UpstreamRegistry upstreams, string name, string? count) => Act(upstreams, name, upstream =>
    {
        var wanted = Math.Max(1, upstream.Config.Pool.MinIdle);
        if (count is not null && (!int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out wanted) || wanted < 1 || wanted > upstream.Config.Pool.Max))
            return Results.Problem(statusCode: StatusCodes.Status400BadRequest, title: $"count is '{count}'; it must be a whole number from 1 to {upstream.Config.Pool.Max} (pool.max of '{name}'). Leave it out for pool.minIdle.");
        upstream.Warm(wanted);
        return null;
    });

    /// <summary>Replaces the sessions of an upstream.</summary>
    public static IResult Clear(UpstreamRegistry upstreams, string name) => Act(upstreams, name, static upstream => { upstream.Clear(); return null; });

    /// <summary>Takes an upstream out of use.</summary>
    public static IResult Drain(UpstreamRegistry upstreams, string name) => Act(upstreams, name, static upstream => { upstream.Drain(); return null; });

    /// <summary>Refuses a method that an address does not take.</summary>
    public static IResult RefuseMethod(HttpContext context, string allowed)
    {
        context.Response.Headers.Allow = allowed;
        return Results.Problem(statusCode: StatusCodes.Status405MethodNotAllowed, title: $"The method is {context.Request.Method}; {context.Request.Path} takes {allowed}.");
    }

    /// <summary>Refuses an operation that there is not.</summary>
    public static IResult RefuseOperation(string operation) =>
        Results.Problem(statusCode: StatusCodes.Status404NotFound, title: $"There is no operation '{operation}'.", detail: "POST to /upstreams/{name}/warm, /upstreams/{name}/drain or /upstreams/{name}/clear.");

    private static IResult Act(UpstreamRegistry upstreams, string name, Func<Upstream, IResult?> act)
    {
        if (upstreams.Find(name) is not { } upstream) return Find(upstreams, name);
        return act(upstream) ?? Results.Json(Report(upstream, withTimeline: false), OperatorJson.Options, statusCode: StatusCodes.Status202Accepted);
    }

    private static UpstreamReport Report(Upstream upstream, bool withTimeline)
    {
        var counts = upstream.Counts;
        var failure = upstream.Breaker.LastFailure;
        var options = upstream.Config.Pool;
        var (state, summary) = Explain(upstream, counts, failure);
        return new UpstreamReport(
            upstream.Name, state, summary, upstream.Config.Target, upstream.Memory?.Transport.ToString().ToLowerInvariant(), upstream.Server?.Version, upstream.Memory?.Era.ToString().ToLowerInvariant(),
            upstream.CatalogueOf(SessionProfile.Default)[ListKind.Tools]?.Entries.Length,
            new PoolReport(Spell(options.Mode), counts.Idle, counts.Leased - counts.Parked, counts.Parked, counts.Pinned, counts.Opening, counts.Waiting, counts.Total, options.MinIdle, options.Max, upstream.Handshakes, options.HandshakesPerMinute == 0 ? null : options.HandshakesPerMinute),
            Report(upstream.Calls),
            failure?.Message, failure is null ? null : upstream.Breaker.LastFailureAt, failure is null || upstream.IsDrained ? null : upstream.Breaker.RetryAt,
            withTimeline ? upstream.Timeline.Read() : null);
    }

    private static CallReport Report(CallMeter calls)
    {
        // In this order: what is counted in between makes the ratio no more than one.
        var (first, total) = (calls.FirstAttempt, calls.Total);
        return new CallReport(total, first, total == 0 ? null : Math.Round((double)first / total, 4));
    }

    private static (string State, string Summary) Explain(Upstream upstream, PoolCounts counts, UpstreamException? failure) => failure switch
    {
        _ when upstream.IsDrained => ("drained", $"{upstream.DrainSentence} {counts.Leased} sessions are still in use."),
        { Kind: FailureKind.Unauthorized } => ("unauthorized", failure.Message),
        not null when counts.Total > 0 && upstream.Need > 0 => ("degraded", $"{counts.Total} sessions work, but new ones cannot be opened: {failure.Message}"),
        not null when counts.Total == 0 => ("down", $"Cannot be opened: {failure.Message}"),
        null when counts.Total == 0 && upstream.Server is null => ("opening", "The first session is being opened."),
        null when counts.Total == 0 && counts.Opening > 0 => ("opening", $"No session is open yet; {counts.Opening} are being opened."),
        null when counts.Total == 0 => ("idle", "No session is open; the next caller causes one."),
        _ => ("ready", $"Speaks {upstream.Server?.Version}; {counts.Total} open, {counts.Leased} in use, {counts.Idle} warm and free, {counts.Pinned} kept for one client each."
            + (counts.Parked == 0 ? "" : $" Of those in use {counts.Parked} wait for a client's input.")
            // What failed is no longer wanted, so nobody tries again and finds that it works.
            + (failure is null ? "" : $" The last attempt to open one more failed: {failure.Message}")),
    };

    private static string Spell(PoolMode mode) => mode == PoolMode.SingleUse ? "single-use" : mode.ToString().ToLowerInvariant();
}
