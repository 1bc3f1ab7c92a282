using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace ServiceDefaults.Health;

/// <summary>
/// Plain text for people and probes: the overall status, then one line for each check that does not pass.
/// JSON with every check for a caller that asks for <c>application/json</c>. Of an exception only the message is shown.
/// </summary>
internal static class HealthResponse
{
    public static Task WriteAsync(HttpContext context, HealthReport report)
    {
        var wantsJson = context.Request.GetTypedHeaders().Accept.Any(accept => accept.MediaType == "application/json");
        return wantsJson
            ? context.Response.WriteAsJsonAsync(Json(report), context.RequestAborted)
            : WriteTextAsync(context, report);
    }

    private static Task WriteTextAsync(HttpContext context, HealthReport report)
    {
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(Text(report), context.RequestAborted);
    }

    private static string Text(HealthReport report)
    {
        var text = new StringBuilder(report.Status.ToString());
        foreach (var (name, check) in report.Entries.Where(entry => entry.Value.Status != HealthStatus.Healthy))
            text.Append('\n').Append(name).Append(": ").Append(check.Description ?? check.Status.ToString());
        return text.ToString();
    }

    private static JsonObject Json(HealthReport report)
    {
        var checks = new JsonObject();
        foreach (var (name, check) in report.Entries)
        {
            var entry = new JsonObject { ["status"] = Name(check.Status) };
            if (check.Description is { } description) entry["description"] = description;
            checks[name] = entry;
        }

        return new JsonObject { ["status"] = Name(report.Status), ["checks"] = checks };
    }

    private static string Name(HealthStatus status) => status switch
    {
        HealthStatus.Healthy => "healthy",
        HealthStatus.Degraded => "degraded",
        _ => "unhealthy",
    };
}
