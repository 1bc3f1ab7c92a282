using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using McpGateway.Sessions;

namespace McpGateway.Upstreams;

/// <summary>How to reach an upstream; <see cref="Auto"/> is settled by the first handshake and then remembered.</summary>
internal enum UpstreamTransport
{
    Auto,
    Stdio,

    /// <summary>Streamable HTTP.</summary>
    Http,

    /// <summary>HTTP+SSE of revision 2024-11-05.</summary>
    Sse,
}

/// <summary>What the user wrote about one upstream, checked. Immutable; a changed file makes a new one.</summary>
internal sealed record UpstreamConfig
{
    /// <summary>1 to 32 of letters, digits, <c>-</c> and <c>_</c>, without <c>__</c>, which parts it from a tool's name.</summary>
    public required string Name { get; init; }

    public required UpstreamTransport Transport { get; init; }

    public string? Command { get; init; }

    public ImmutableArray<string> Args { get; init; } = [];

    /// <summary>The process's own variables, beside the few it inherits.</summary>
    public ImmutableSortedDictionary<string, string> Env { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>What <c>${NAME}</c> stood for, wherever it was written; without those that every child process inherits.</summary>
    public ImmutableArray<string> Expanded { get; init; } = [];

    public string? WorkingDirectory { get; init; }

    public Uri? Url { get; init; }

    /// <summary>Sent with every request; may hold secrets and is never shown.</summary>
    public ImmutableSortedDictionary<string, string> Headers { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>
    /// True when the operator takes the upstream's word for which of its tools only read or may be repeated: such a call is then
    /// repeated even when its outcome is unknown. Default false.
    /// </summary>
    public bool Trusted { get; init; }

    /// <summary>
    /// True when clients may tell this upstream their roots, which can widen what a file server opens. Default false. Never in the modes
    /// <c>exclusive</c> and <c>shared</c>, where another client comes after.
    /// </summary>
    public bool Roots { get; init; }

    /// <summary>What of it any caller may see and call.</summary>
    public AccessRule Access { get; init; } = AccessRule.Open;

    public PoolOptions Pool { get; init; } = new();

    /// <summary>Its place among the upstreams as they are written: of two that own the same, the aggregate takes the first.</summary>
    public int Order { get; init; }

    /// <summary>Changes with everything that decides what the upstream is and how it is reached, and reveals nothing of it.</summary>
    public string Fingerprint => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(Describe())))[..16];

    /// <summary>The command or address as a person may see it, without arguments or query, which may hold secrets.</summary>
    public string Target => Secrets.Redact(Command ?? Url!.GetLeftPart(UriPartial.Path));

    /// <summary>What of it nobody is to read in a log or an error.</summary>
    public Secrets Secrets => new(Headers.Values, Env.Values.Concat(Expanded));

    /// <summary>The directory matters to a child process alone: gateways whose files lie in different places have the same upstreams elsewhere.</summary>
    private string Describe() => string.Join('\n',
        [Name, Transport.ToString(), Command ?? "", Command is null ? "" : WorkingDirectory ?? "", Url?.ToString() ?? "", .. Args,
            .. Env.Select(pair => $"{pair.Key}={pair.Value}"), .. Headers.Select(pair => $"{pair.Key}: {pair.Value}"), Pool.ToString(), .. Trusted ? ["trusted"] : Array.Empty<string>(), .. Roots ? ["roots"] : Array.Empty<string>(),
            .. Access == AccessRule.Open ? [] : new[] { $"access {Access.Allow} / {Access.Deny}" }]);
}
