using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Configuration;

namespace Aspire.Hosting.Local;

/// <summary>Gives every endpoint its ports before the first process starts, so that references can be written down.</summary>
internal sealed class EndpointAllocator(IConfiguration configuration)
{
    private const int MaxTries = 50;
    private readonly bool _randomize = configuration.GetValue("DcpPublisher:RandomizePorts", false);

    /// <exception cref="DistributedApplicationException">A port asked for is taken; all of them are named.</exception>
    internal void Allocate(IEnumerable<IResource> resources)
    {
        var endpoints = resources.Where(resource => resource.RunsAs() is LocalRun.Command)
            .SelectMany(resource => resource.Annotations.OfType<EndpointAnnotation>(), (resource, endpoint) => (resource, endpoint)).ToList();
        var taken = new HashSet<int>();
        var errors = new List<string>();
        foreach (var (resource, endpoint) in endpoints)
            if (!_randomize && endpoint.Port is { } port && (!taken.Add(port) || !IsFree(port)))
                errors.Add(Explain(resource, endpoint, port, endpoints));
        if (errors.Count > 0)
            throw new DistributedApplicationException(string.Join(Environment.NewLine, errors));
        foreach (var (resource, endpoint) in endpoints)
        {
            var first = _randomize ? null : endpoint.Port;
            var replicas = Math.Max(1, resource.Annotations.OfType<ReplicaAnnotation>().LastOrDefault()?.Replicas ?? 1);
            endpoint.Allocate([first ?? TakeFree(taken), .. Enumerable.Range(1, replicas - 1).Select(_ => TakeFree(taken))]);
        }
    }

    private static string Explain(IResource resource, EndpointAnnotation endpoint, int port, List<(IResource Resource, EndpointAnnotation Endpoint)> all)
    {
        var other = all.Find(entry => entry.Endpoint.Port == port && entry.Endpoint != endpoint).Resource;
        var settings = resource.Annotations.OfType<ProjectMetadataAnnotation>().FirstOrDefault() is { } project
            ? $"applicationUrl in {Path.Combine(Path.GetFileName(project.Directory), "Properties", "launchSettings.json")}"
            : $"the port of '{resource.Name}' in the app host";
        return other is not null
            ? string.Create(CultureInfo.InvariantCulture, $"Port {port} is asked for by '{resource.Name}' and by '{other.Name}'. Change {settings}.")
            : string.Create(CultureInfo.InvariantCulture, $"Port {port} for '{resource.Name}' is in use by another process. End that process (find it with: ss -ltnp 'sport = :{port}') or change {settings}.");
    }

    private static int TakeFree(HashSet<int> taken)
    {
        for (var i = 0; i < MaxTries; i++)
        {
            using var listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            var port = ((IPEndPoint)listener.LocalEndpoint).Port;
            listener.Stop();
            if (IsFree(port) && taken.Add(port))
                return port;
        }
        throw new DistributedApplicationException("No free port was found on the loopback interface.");
    }

    // A service on "localhost" binds both loopback addresses where the machine has them.
    private static bool IsFree(int port) => CanBind(IPAddress.Loopback, port) && (!Socket.OSSupportsIPv6 || CanBind(IPAddress.IPv6Loopback, port));

    private static bool CanBind(IPAddress address, int port)
    {
        using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(address, port));
            socket.Listen(1);
            return true;
        }
        catch (SocketException exception)
        {
            return exception.SocketErrorCode is SocketError.AddressNotAvailable or SocketError.AddressFamilyNotSupported;
        }
    }
}
