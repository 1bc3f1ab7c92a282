using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;

namespace ServiceDefaults.Callers;

/// <summary>
/// Keeps web pages away from a loopback service. A page can make the browser send requests to 127.0.0.1, and with DNS rebinding even under
/// the page's own host name: such requests carry a foreign Host or Origin. Requests a page may send without asking first are never JSON,
/// so bodies have to be JSON.
/// </summary>
internal sealed class CallerGuard(RequestDelegate next, IOptions<CallerGuardOptions> options)
{
    private readonly bool _healthOnly = options.Value.HealthOnly;
    private readonly HashSet<string> _allowedHosts =
        options.Value.AllowedHosts.Select(host => host.Trim('[', ']')).ToHashSet(StringComparer.OrdinalIgnoreCase);
    private readonly HashSet<string> _allowedOrigins = options.Value.AllowedOrigins.ToHashSet(StringComparer.OrdinalIgnoreCase);

    public Task InvokeAsync(HttpContext context)
    {
        var exempt = context.GetEndpoint()?.Metadata.GetMetadata<CallerGuardExempt>() is not null;
        var refusal = exempt ? null : Refusal(context);
        return refusal is null ? next(context) : refusal.ExecuteAsync(context);
    }

    private ProblemHttpResult? Refusal(HttpContext context)
    {
        if (_healthOnly)
            return Problem(StatusCodes.Status404NotFound, "Not found", "This service serves /health and /alive only.");
        return HostRefusal(context.Request) ?? OriginRefusal(context.Request) ?? BodyRefusal(context);
    }

    private ProblemHttpResult? HostRefusal(HttpRequest request)
    {
        var host = request.Host.Host.Trim('[', ']');
        if (IsLoopback(host) || _allowedHosts.Contains(host)) return null;
        return Problem(StatusCodes.Status403Forbidden, "Host not allowed",
            $"The Host header names '{host}', which is neither loopback nor listed in CallerGuard:AllowedHosts.");
    }

    private ProblemHttpResult? OriginRefusal(HttpRequest request)
    {
        var origins = request.Headers.Origin;
        if (origins.Count == 0) return null;
        var origin = origins.ToString();
        if (_allowedOrigins.Contains(origin)) return null;
        if (Uri.TryCreate(origin, UriKind.Absolute, out var uri) && IsLoopback(uri.Host.Trim('[', ']'))) return null;
        return Problem(StatusCodes.Status403Forbidden, "Origin not allowed",
            $"The Origin header is '{origin}', which is neither loopback nor listed in CallerGuard:AllowedOrigins.");
    }

    private static ProblemHttpResult? BodyRefusal(HttpContext context)
    {
        var request = context.Request;
        if (context.GetEndpoint() is not { } endpoint || endpoint.Metadata.GetMetadata<OwnBodyRule>() is not null) return null;
        if (!HttpMethods.IsPost(request.Method) && !HttpMethods.IsPut(request.Method) && !HttpMethods.IsPatch(request.Method)) return null;

        var encoding = request.Headers.ContentEncoding.ToString();
        if (encoding.Length > 0 && !encoding.Equals("identity", StringComparison.OrdinalIgnoreCase))
            return Problem(StatusCodes.Status415UnsupportedMediaType, "Encoded body",
                $"The body is encoded as '{encoding}': send it without Content-Encoding.");

        var hasBody = context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody ?? true;
        if ((!hasBody && request.ContentType is null) || IsJson(request.ContentType)) return null;
        return Problem(StatusCodes.Status415UnsupportedMediaType, "Body is not JSON",
            $"The Content-Type is '{request.ContentType}': send application/json.");
    }

    private static bool IsJson(string? contentType) =>
        MediaTypeHeaderValue.TryParse(contentType, out var type)
        && (type.MediaType == "application/json" || (type.Type == "application" && type.Suffix == "json"));

    /// <summary>Names under <c>localhost</c> are loopback by RFC 6761 and cannot be rebound by anybody's DNS.</summary>
    private static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));

    private static ProblemHttpResult Problem(int status, string title, string detail) =>
        TypedResults.Problem(detail, statusCode: status, title: title);
}
