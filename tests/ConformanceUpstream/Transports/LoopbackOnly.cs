using System.Net;

namespace ConformanceUpstream.Transports;

/// <summary>Refuses what a page of another host could have a browser send here (DNS rebinding).</summary>
internal static class LoopbackOnly
{
    public static Task RefuseOthersAsync(HttpContext context, RequestDelegate next)
    {
        var origin = context.Request.Headers.Origin.ToString();
        if (IsLoopback(context.Request.Host.Host) && (origin.Length == 0 || (Uri.TryCreate(origin, UriKind.Absolute, out var page) && IsLoopback(page.Host)))) return next(context);
        context.Response.StatusCode = StatusCodes.Status403Forbidden;
        return context.Response.WriteAsync("Only localhost is served.");
    }

    private static bool IsLoopback(string host) => host == "localhost" || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));
}
