using System.Collections.Concurrent;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Primitives;

namespace Microsoft.Extensions.ServiceDiscovery;

/// <summary>
/// The endpoints of each service, from configuration, taken in turn. Health is not considered: a dead endpoint stays in turn.
/// Invariant: <c>_known</c> belongs to one state of the configuration and is replaced whole when that is reloaded, so a lookup that was
/// reading the old state cannot leave its answer behind in the new.
/// </summary>
internal sealed class ServiceEndpoints : IDisposable
{
    private readonly IConfiguration _configuration;
    private readonly IDisposable _reload;
    private ConcurrentDictionary<string, Turn> _known = NewState();

    public ServiceEndpoints(IConfiguration configuration)
    {
        _configuration = configuration;
        _reload = ChangeToken.OnChange(configuration.GetReloadToken, () => Volatile.Write(ref _known, NewState()));
    }

    /// <summary>The address with the name replaced by an endpoint of the service.</summary>
    /// <exception cref="KeyNotFoundException">The configuration of the service cannot be read; the message names the key.</exception>
    public Uri Resolve(Uri address)
    {
        var known = Volatile.Read(ref _known);
        var key = address.GetLeftPart(UriPartial.Authority);
        if (known.TryGetValue(key, out var turn)) return turn.Next(address);

        var name = ServiceName.Parse(address);
        var configured = Configured(name);
        // Nothing configured: the name is the host. Such hosts are not remembered, there may be any number of them.
        return configured.Count == 0
            ? new Turn(name, [new Endpoint(null, name.Service, -1, "")]).Next(address)
            : known.GetOrAdd(key, new Turn(name, configured)).Next(address);
    }

    public void Dispose() => _reload.Dispose();

    private List<Endpoint> Configured(ServiceName name)
    {
        var service = _configuration.GetSection("Services").GetSection(name.Service);
        var candidates = name.Endpoint is { } endpoint ? [endpoint] : (string[])["default", .. name.Schemes];
        var section = candidates.Select(service.GetSection).FirstOrDefault(candidate => candidate.Exists());
        if (section is null) return [];

        // One value, or a list of them.
        var values = string.IsNullOrWhiteSpace(section.Value) ? section.GetChildren() : [section];
        return OfBestScheme(name.Schemes, [.. values.Select(Read)]);
    }

    private static Endpoint Read(IConfigurationSection value) =>
        Endpoint.TryParse(value.Value, out var endpoint)
            ? endpoint
            : throw new KeyNotFoundException($"{value.Path} is '{value.Value}': write an address such as 'http://localhost:5200'.");

    /// <summary>Those with the first scheme of the request that any has, and those that leave it to the request.</summary>
    private static List<Endpoint> OfBestScheme(string[] schemes, List<Endpoint> endpoints)
    {
        var best = schemes.FirstOrDefault(scheme => endpoints.Any(endpoint => endpoint.Scheme == scheme));
        return endpoints.FindAll(endpoint => endpoint.Scheme is null || endpoint.Scheme == best);
    }

    private static ConcurrentDictionary<string, Turn> NewState() => new(StringComparer.OrdinalIgnoreCase);

    private sealed class Turn(ServiceName name, List<Endpoint> endpoints)
    {
        private uint _next = uint.MaxValue;

        public Uri Next(Uri address)
        {
            var endpoint = endpoints[(int)(Interlocked.Increment(ref _next) % (uint)endpoints.Count)];
            return new UriBuilder(address)
            {
                Scheme = endpoint.Scheme ?? name.Schemes[0],
                Host = endpoint.Host,
                Port = endpoint.Port >= 0 ? endpoint.Port : address.IsDefaultPort ? -1 : address.Port,
                Path = endpoint.PathPrefix + address.AbsolutePath,
            }.Uri;
        }
    }
}
