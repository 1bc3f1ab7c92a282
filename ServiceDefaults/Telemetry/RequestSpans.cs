using System.Diagnostics;
using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using ServiceDefaults.Health;

namespace ServiceDefaults.Telemetry;

/// <summary>
/// Completes the server spans of ASP.NET Core 10, which carry neither name, route, status nor error by themselves
/// (OpenTelemetry semantic conventions, HTTP server spans). Probes of the health endpoints are not recorded.
/// </summary>
internal sealed class RequestSpans(RequestDelegate next)
{
    private const string SuppressAttributes = "Microsoft.AspNetCore.Hosting.SuppressActivityOpenTelemetryData";

    /// <summary>Has ASP.NET Core set method, address and path on its spans, which it does not by default.</summary>
    public static void KeepAttributes()
    {
        if (!AppContext.TryGetSwitch(SuppressAttributes, out _)) AppContext.SetSwitch(SuppressAttributes, false);
    }

    public async Task InvokeAsync(HttpContext context)
    {
        var span = context.Features.Get<IHttpActivityFeature>()?.Activity;
        if (span is not null && IsProbe(context.Request.Path)) Discard(span);
        try
        {
            await next(context);
            if (span is { IsAllDataRequested: true }) Describe(span, context, context.Response.StatusCode, error: null);
        }
        catch (Exception error) when (span is { IsAllDataRequested: true })
        {
            // Nobody has answered: the server will, with this status.
            Describe(span, context, (error as BadHttpRequestException)?.StatusCode ?? StatusCodes.Status500InternalServerError, error);
            throw;
        }
    }

    private static bool IsProbe(PathString path) => path == HealthExtensions.ReadyPath || path == HealthExtensions.LivePath;

    private static void Discard(Activity span)
    {
        span.IsAllDataRequested = false;
        span.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
    }

    private static void Describe(Activity span, HttpContext context, int status, Exception? error)
    {
        // After an exception handler has run again, the endpoint is its own; what failed is in its feature.
        var endpoint = context.GetEndpoint() ?? context.Features.Get<IExceptionHandlerFeature>()?.Endpoint;
        var route = (endpoint as RouteEndpoint)?.RoutePattern.RawText;
        var method = context.Request.Method;
        span.DisplayName = route is null ? method : $"{method} {route}";
        span.SetTag("http.request.method", method);
        span.SetTag("http.route", route);
        span.SetTag("http.response.status_code", status);
        span.SetTag("network.protocol.version", context.Request.Protocol.Split('/')[^1]);
        if (status < StatusCodes.Status500InternalServerError) return;
        span.SetTag("error.type", error?.GetType().FullName ?? status.ToString(CultureInfo.InvariantCulture));
        span.SetStatus(ActivityStatusCode.Error, error?.Message);
    }
}

/// <summary>Puts <see cref="RequestSpans"/> outside everything else, exception handlers included.</summary>
internal sealed class RequestSpansFilter : IStartupFilter
{
    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.UseMiddleware<RequestSpans>();
        next(app);
    };
}
