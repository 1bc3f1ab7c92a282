using System.Globalization;
using System.Text;
using Agents.Runs;

namespace Agents.Api.Console;

/// <summary>The last runs as an HTML table. Everything that comes from outside goes through <see cref="HtmlText"/>.</summary>
internal static class RunList
{
    public static string Html(IReadOnlyList<AgentRun> runs)
    {
        if (runs.Count == 0)
            return "<p class=\"soft\">No run yet. The command above makes the first.</p>\n";

        var html = new StringBuilder("<table>\n<thead><tr><th>Run</th><th>Question</th><th>State</th><th>Agents</th></tr></thead>\n<tbody>\n");
        foreach (var run in runs)
            Row(html, run);
        return html.Append("</tbody>\n</table>\n").ToString();
    }

    private static void Row(StringBuilder html, AgentRun run)
    {
        var state = RunsJson.Word(run.State);
        html.Append(CultureInfo.InvariantCulture, $"""
            <tr>
            <td><a href="/api/v1/runs/{HtmlText.Of(run.Id)}"><code>{HtmlText.Of(ShortId(run.Id))}</code></a><br><span class="when">{run.CreatedAt:yyyy-MM-dd HH:mm:ss} UTC{Duration(run)}</span></td>
            <td class="query">{HtmlText.Of(Cut(run.Query))}<br><span class="soft">{HtmlText.Of(run.Repository)}</span></td>
            <td><span class="state {state}">{Human(state)}</span>{(run.CancelRequested && !run.State.IsEnded() ? "<br><span class=\"soft\">cancel requested</span>" : "")}{Waits(run)}{Soft(run.Error)}</td>
            <td><ul class="agents">

            """);
        foreach (var agent in run.Agents)
            html.Append(CultureInfo.InvariantCulture, $"<li>{HtmlText.Of(agent.Name)} <span class=\"soft\">{Standing(agent)}</span></li>\n");
        html.Append("</ul></td>\n</tr>\n");
    }

    private static string Standing(AgentExecution agent)
    {
        // A completed agent's stop reason says more than that it completed.
        var parts = new List<string>();
        if (agent.StopReason is null || agent.State != AgentState.Completed)
            parts.Add(Human(RunsJson.Word(agent.State)));
        if (agent.StopReason is { } reason)
            parts.Add(Human(RunsJson.Word(reason)));
        if (agent.Usage.ToolCalls > 0)
            parts.Add(string.Create(CultureInfo.InvariantCulture, $"{agent.Usage.ToolCalls} tool call{(agent.Usage.ToolCalls == 1 ? "" : "s")}"));
        if (agent.Degraded)
            parts.Add($"degraded: {Cut(agent.DegradedReason ?? "no tools")}");
        if (agent.Error is not null)
            parts.Add(Cut(agent.Error));
        return HtmlText.Of(string.Join(" · ", parts));
    }

    private static string Waits(AgentRun run) => run.State.IsEnded() ? "" : string.Concat((run.Approvals ?? [])
        .Where(approval => approval.State == ApprovalState.Pending)
        .Select(approval => Soft($"{approval.Agent} waits for approval of {approval.Tool} ({approval.Id})")));

    private static string Duration(AgentRun run) =>
        run is { StartedAt: { } start, EndedAt: { } end } ? string.Create(CultureInfo.InvariantCulture, $" · {(end - start).TotalSeconds:0.0} s") : "";

    private static string Soft(string? text) => text is null ? "" : $"<br><span class=\"soft\">{HtmlText.Of(Cut(text))}</span>";

    private static string ShortId(string id) => id.Length <= 12 ? id : $"…{id[^8..]}";

    private static string Cut(string text) => text.Length <= 200 ? text : text[..200] + "…";

    private static string Human(string word) => word.Replace('_', ' ');
}
