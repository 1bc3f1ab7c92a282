using Microsoft.Extensions.Options;

namespace ServiceDefaults.Callers;

/// <summary>Who may call a service that has no authentication. Configuration section <c>CallerGuard</c>.</summary>
public sealed class CallerGuardOptions
{
    /// <summary>Configuration section of these options.</summary>
    public const string Section = "CallerGuard";

    /// <summary>
    /// Names a request's <c>Host</c> header may carry besides loopback ones: host names or addresses, without scheme and port.
    /// For a reverse proxy on this machine that passes the public name on.
    /// </summary>
    public IList<string> AllowedHosts { get; } = [];

    /// <summary>Origins a browser may call from besides loopback ones: <c>scheme://host[:port]</c>, without a path.</summary>
    public IList<string> AllowedOrigins { get; } = [];

    /// <summary>
    /// The service serves nothing but its health endpoints: it may listen on any address, and every other path answers 404.
    /// </summary>
    public bool HealthOnly { get; set; }
}

internal sealed class CallerGuardOptionsValidator : IValidateOptions<CallerGuardOptions>
{
    public ValidateOptionsResult Validate(string? name, CallerGuardOptions options)
    {
        var errors = new List<string>();
        foreach (var (index, host) in options.AllowedHosts.Index())
        {
            if (Uri.CheckHostName(host.Trim('[', ']')) == UriHostNameType.Unknown)
                errors.Add($"CallerGuard:AllowedHosts:{index} is '{host}': write a host name or address without scheme and port, such as 'agents.example.com'.");
        }

        foreach (var (index, origin) in options.AllowedOrigins.Index())
        {
            if (!IsOrigin(origin))
                errors.Add($"CallerGuard:AllowedOrigins:{index} is '{origin}': write scheme://host[:port] without a path, such as 'https://agents.example.com'.");
        }

        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }

    private static bool IsOrigin(string origin) =>
        Uri.TryCreate(origin, UriKind.Absolute, out var uri)
        && uri.Host.Length > 0
        && uri.GetLeftPart(UriPartial.Authority).Equals(origin, StringComparison.OrdinalIgnoreCase);
}
