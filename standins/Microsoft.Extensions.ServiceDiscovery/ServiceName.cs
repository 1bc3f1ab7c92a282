using System.Diagnostics.CodeAnalysis;

namespace Microsoft.Extensions.ServiceDiscovery;

/// <summary>
/// What an address asks for: <c>https+http://_dashboard.mcp-gateway/x</c> is the endpoint <c>dashboard</c> of the service
/// <c>mcp-gateway</c>, over https if it has that, else over http.
/// </summary>
internal sealed record ServiceName(string Service, string? Endpoint, string[] Schemes)
{
    public static ServiceName Parse(Uri address)
    {
        var schemes = address.Scheme.Split('+');
        var host = address.Host;
        var dot = host.IndexOf('.', StringComparison.Ordinal);
        return host.StartsWith('_') && dot > 1 && dot < host.Length - 1
            ? new ServiceName(host[(dot + 1)..], host[1..dot], schemes)
            : new ServiceName(host, null, schemes);
    }
}

/// <summary>Where a service can be reached. Without a scheme or port of its own an endpoint takes those of the request.</summary>
internal sealed record Endpoint(string? Scheme, string Host, int Port, string PathPrefix)
{
    /// <summary>Reads <c>http://localhost:5200</c>, <c>http://host/prefix</c>, <c>localhost:5200</c> or <c>10.0.0.7</c>.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out Endpoint? endpoint)
    {
        endpoint = null;
        if (string.IsNullOrWhiteSpace(text)) return false;
        var hasScheme = text.Contains("://", StringComparison.Ordinal);
        if (!Uri.TryCreate(hasScheme ? text : $"none://{text}", UriKind.Absolute, out var uri) || uri.Host.Length == 0) return false;
        endpoint = new Endpoint(hasScheme ? uri.Scheme : null, uri.Host, uri.Port, uri.AbsolutePath.TrimEnd('/'));
        return true;
    }
}
