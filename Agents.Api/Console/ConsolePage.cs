using Agents.Api.Catalog;
using Agents.Runs;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Agents.Api.Console;

/// <summary>The page at <c>/</c>: what can be called, and the last runs. Nothing on it comes from another host.</summary>
internal static class ConsolePage
{
    private const int LastRuns = 20;

    // Scripts and styles only from files of ours: a question that contains HTML stays text even if an encoder were forgotten.
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private static readonly (string Call, string What)[] Calls =
    [
        ("POST /api/v1/runs", "make a run; once with Idempotency-Key, awaited with Prefer: wait=N"),
        ("GET /api/v1/runs", "list the runs; ?state=, ?repository=, ?agent=, ?conversation_id=, ?created_after=, ?created_before="),
        ("GET /api/v1/runs/{id}", "read a run with its results"),
        ("GET /api/v1/runs/{id}/events", "follow its events (SSE); resumes with Last-Event-ID"),
        ("POST /api/v1/runs/{id}/cancel", "cancel it"),
        ("POST /api/v1/runs/{id}/approvals/{approvalId}", "approve or deny a tool call that waits"),
        ("GET /api/v1/runs/{id}/tool-calls/{n}", "read a tool call with its whole result"),
        ("DELETE /api/v1/runs/{id}", "end it and delete it"),
        ("GET /api/v1/conversations/{id}", "read what was asked and answered in a conversation"),
        ("GET /api/v1/agents/types", "list the agents"),
        ("GET, POST /api/v1/agents", "list or define agents of your own"),
        ("GET, PUT, DELETE /api/v1/agents/{id}", "read, change or delete one"),
        ("POST /api/v1/agents/execute", "ask agents and wait"),
        ("POST /api/v1/agents/execute/streaming", "ask agents and follow their events"),
        ("POST /api/v1/agents/execute/single", "ask one agent"),
        ("GET, DELETE /api/v1/agents/session/{id}", "read or cancel what /execute began"),
    ];

    private static readonly string Page = Resource("page.html");
    private static readonly string Style = Resource("console.css");
    private static readonly string Script = Resource("console.js");

    public static void MapConsole(this IEndpointRouteBuilder endpoints)
    {
        var console = endpoints.MapGroup("").ExcludeFromDescription().AddEndpointFilter(async (call, next) =>
        {
            var headers = call.HttpContext.Response.Headers;
            headers.ContentSecurityPolicy = Policy;
            headers.XContentTypeOptions = "nosniff";
            headers.CacheControl = "no-cache";
            headers["Referrer-Policy"] = "no-referrer";
            return await next(call);
        });
        console.MapGet("/", PageAsync);
        console.MapGet("/console/runs", async (IRunStore store, CancellationToken cancellationToken) => Html(await RunsAsync(store, cancellationToken)));
        console.MapGet("/console.css", () => TypedResults.Text(Style, "text/css; charset=utf-8"));
        console.MapGet("/console.js", () => TypedResults.Text(Script, "text/javascript; charset=utf-8"));
    }

    private static async Task<IResult> PageAsync(HttpContext context, IRunStore store, RepositoryCatalog repositories)
    {
        var repository = repositories.All.Count > 0 ? repositories.All[0].Name : "NAME";
        var ask = $$"""
            curl -s {{context.Request.Scheme}}://{{context.Request.Host}}/api/v1/agents/execute -H 'content-type: application/json' \
              -d '{"repository_name":"{{repository}}","user_query":"What should be simplified first?"}'
            """;
        var calls = Calls.Select(call => $"<tr><td><code>{HtmlText.Of(call.Call)}</code></td><td>{HtmlText.Of(call.What)}</td></tr>");
        return Html(Page
            .Replace("{{ask}}", HtmlText.Of(ask), StringComparison.Ordinal)
            .Replace("{{repositories}}", HtmlText.Of(repositories.NamesForPeople), StringComparison.Ordinal)
            .Replace("{{agents}}", HtmlText.Of(string.Join(", ", BuiltInAgents.All.Select(agent => agent.Name))), StringComparison.Ordinal)
            .Replace("{{calls}}", string.Join('\n', calls), StringComparison.Ordinal)
            // Last, as a question may hold anything, a place-holder's name too.
            .Replace("{{runs}}", await RunsAsync(store, context.RequestAborted), StringComparison.Ordinal));
    }

    private static async Task<string> RunsAsync(IRunStore store, CancellationToken cancellationToken) =>
        RunList.Html((await store.ListAsync(new RunFilter { Limit = LastRuns }, cancellationToken)).Runs);

    private static ContentHttpResult Html(string html) => TypedResults.Text(html, "text/html; charset=utf-8");

    private static string Resource(string name)
    {
        using var stream = typeof(ConsolePage).Assembly.GetManifestResourceStream($"Agents.Api.Console.{name}")
            ?? throw new InvalidOperationException($"The build left out Console/{name}.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
