using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using Agents.Runs;

namespace Agents.Api.Console;

/// <summary>The last runs as an HTML table. Everything that comes from outside goes through <see cref="Text"/>.</summary>
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
            <td><a href="/api/v1/runs/{Text(run.Id)}"><code>{Text(ShortId(run.Id))}</code></a><br><span class="when">{run.CreatedAt:yyyy-MM-dd HH:mm:ss} UTC{Duration(run)}</span></td>
            <td class="query">{Text(Cut(run.Query))}<br><span class="soft">{Text(run.Repository)}</span></td>
            <td><span class="state {state}">{Human(state)}</span>{(run.CancelRequested && !run.State.IsEnded() ? "<br><span class=\"soft\">cancel requested</span>" : "")}{Soft(run.Error)}</td>
            <td><ul class="agents">

            """);
        foreach (var agent in run.Agents)
            html.Append(CultureInfo.InvariantCulture, $"<li>{Text(agent.Name)} <span class=\"soft\">{Standing(agent)}</span></li>\n");
        html.Append("</ul></td>\n</tr>\n");
    }

    private static string Standing(AgentExecution agent)
    {
        var parts = new List<string> { Human(RunsJson.Word(agent.State)) };
        if (agent.StopReason is { } reason)
            parts.Add(Human(RunsJson.Word(reason)));
        if (agent.Usage.ToolCalls > 0)
            parts.Add(string.Create(CultureInfo.InvariantCulture, $"{agent.Usage.ToolCalls} tool calls"));
        if (agent.Degraded)
            parts.Add($"degraded: {Cut(agent.DegradedReason ?? "no tools")}");
        if (agent.Error is not null)
            parts.Add(Cut(agent.Error));
        return Text(string.Join(" · ", parts));
    }

    private static string Duration(AgentRun run) =>
        run is { StartedAt: { } start, EndedAt: { } end } ? string.Create(CultureInfo.InvariantCulture, $" · {(end - start).TotalSeconds:0.0} s") : "";

    private static string Soft(string? text) => text is null ? "" : $"<br><span class=\"soft\">{Text(Cut(text))}</span>";

    private static string ShortId(string id) => id.Length <= 12 ? id : $"…{id[^8..]}";

    private static string Cut(string text) => text.Length <= 200 ? text : text[..200] + "…";

    private static string Human(string word) => word.Replace('_', ' ');

    private static string Text(string text) => HtmlEncoder.Default.Encode(text);
}
