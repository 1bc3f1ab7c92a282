using System.Globalization;

namespace Aspire.Hosting.ApplicationModel;

public sealed class EndpointAnnotation(string? uriScheme = null, string? name = null, int? port = null, int? targetPort = null, bool? isExternal = null, bool isProxied = true)
    : IResourceAnnotation
{
    private readonly List<int> _ports = [];

    public string Name { get; } = name ?? uriScheme ?? "tcp";

    public string UriScheme { get; set; } = uriScheme ?? "tcp";

    public string TargetHost { get; set; } = "localhost";

    /// <summary>The port asked for (1 to 65535); null takes a free one.</summary>
    public int? Port { get; set; } = port;

    public int? TargetPort { get; set; } = targetPort;

    public bool IsExternal { get; set; } = isExternal ?? false;

    public bool IsProxied { get; set; } = isProxied;

    /// <summary>The ports in use, one per replica, replica 1 first. Empty until the application starts.</summary>
    internal IReadOnlyList<int> AllocatedPorts => _ports;

    internal string UrlOf(int replica) => string.Create(CultureInfo.InvariantCulture, $"{UriScheme}://{TargetHost}:{_ports[replica]}");

    internal void Allocate(IEnumerable<int> ports)
    {
        _ports.Clear();
        _ports.AddRange(ports);
    }
}

/// <summary>Names an endpoint of a resource before its port is known.</summary>
public sealed class EndpointReference(IResourceWithEndpoints owner, string endpointName) : IManifestExpressionProvider, IValueProvider
{
    public IResourceWithEndpoints Resource { get; } = owner;

    public string EndpointName { get; } = endpointName;

    public bool Exists => Find() is not null;

    public bool IsAllocated => Find() is { AllocatedPorts.Count: > 0 };

    public string Scheme => Annotation.UriScheme;

    public string Host => Annotation.TargetHost;

    public int Port => Allocated.AllocatedPorts[0];

    public string Url => Allocated.UrlOf(0);

    public string ValueExpression => $"{{{Resource.Name}.bindings.{EndpointName}.url}}";

    /// <summary>One URL per replica.</summary>
    internal IReadOnlyList<string> Urls => [.. Enumerable.Range(0, Allocated.AllocatedPorts.Count).Select(Allocated.UrlOf)];

    private EndpointAnnotation Annotation => Find()
        ?? throw new InvalidOperationException($"Resource '{Resource.Name}' has no endpoint '{EndpointName}'. It has: {string.Join(", ", Resource.Annotations.OfType<EndpointAnnotation>().Select(e => e.Name))}.");

    private EndpointAnnotation Allocated => IsAllocated
        ? Annotation
        : throw new InvalidOperationException($"The endpoint '{EndpointName}' of resource '{Resource.Name}' has no port yet: ports are given when the application starts.");

    public EndpointReferenceExpression Property(EndpointProperty property) => new(this, property);

    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default) => ValueTask.FromResult<string?>(Url);

    private EndpointAnnotation? Find() =>
        Resource.Annotations.OfType<EndpointAnnotation>().FirstOrDefault(e => string.Equals(e.Name, EndpointName, StringComparison.OrdinalIgnoreCase));
}

public enum EndpointProperty
{
    Url,
    Host,
    IPV4Host,
    Port,
    Scheme,
    TargetPort,
    HostAndPort,
}

public sealed class EndpointReferenceExpression(EndpointReference endpointReference, EndpointProperty property) : IManifestExpressionProvider, IValueProvider
{
    public EndpointReference Endpoint { get; } = endpointReference;

    public EndpointProperty Property { get; } = property;

    public string ValueExpression => $"{{{Endpoint.Resource.Name}.bindings.{Endpoint.EndpointName}.{char.ToLowerInvariant(Property.ToString()[0])}{Property.ToString()[1..]}}}";

    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default) => ValueTask.FromResult<string?>(Property switch
    {
        EndpointProperty.Host => Endpoint.Host,
        EndpointProperty.IPV4Host => "127.0.0.1",
        EndpointProperty.Port or EndpointProperty.TargetPort => Endpoint.Port.ToString(CultureInfo.InvariantCulture),
        EndpointProperty.Scheme => Endpoint.Scheme,
        EndpointProperty.HostAndPort => string.Create(CultureInfo.InvariantCulture, $"{Endpoint.Host}:{Endpoint.Port}"),
        _ => Endpoint.Url,
    });
}
