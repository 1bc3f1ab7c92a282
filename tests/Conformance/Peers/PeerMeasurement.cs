using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Conformance.Setting;

namespace Conformance.Peers;

/// <summary>One client with one server behind the gateway.</summary>
internal sealed record PeerPair(PeerClient Client, PeerServer Server)
{
    public static IReadOnlyList<PeerPair> All { get; } = [.. from client in PeerClient.All from server in PeerServer.All select new PeerPair(client, server)];

    public override string ToString() => $"{Client.Title} with {Server.Title}";
}

/// <summary>How a client fared with a server.</summary>
/// <param name="Revision">What the two ends of the gateway's near side agreed on; null where the client does not say.</param>
/// <param name="Steps">For each step null, or what went wrong.</param>
internal sealed record Tour(string? Revision, IReadOnlyDictionary<string, string?> Steps);

/// <summary>Every client's tour of every server through one gateway, taken once for all tests.</summary>
public sealed class PeerMeasurement
{
    private const int AtOnce = 3;

    private readonly Lazy<Task<IReadOnlyDictionary<PeerPair, Tour>>> _tours = new(MeasureAsync);

    /// <summary>What came out; skips the test, or fails it in CI, where the packages are not installed.</summary>
    internal Task<IReadOnlyDictionary<PeerPair, Tour>> ToursAsync()
    {
        NpmPeers.Require();
        return _tours.Value;
    }

    private static async Task<IReadOnlyDictionary<PeerPair, Tour>> MeasureAsync()
    {
        using var folder = new TemporaryDirectory();
        var servers = new List<NodeProcess>();
        try
        {
            var entries = new JsonObject();
            foreach (var server in PeerServer.Upstreams)
            {
                var process = await server.StartAsync();
                if (process is not null) servers.Add(process);
                entries.Add(server.Entry(process, folder.FullPath));
            }

            await using var gateway = await Gateway.StartAsync(entries);
            foreach (var server in PeerServer.Upstreams) await gateway.WarmAsync(server.Name);
            var tours = new ConcurrentDictionary<PeerPair, Tour>();
            await Parallel.ForEachAsync(PeerPair.All, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (pair, _) =>
                tours[pair] = await pair.Client.TourAsync(new Uri(gateway.AddressOf(pair.Server.Name) + pair.Client.Path), pair.Server, folder.FullPath));
            return tours;
        }
        finally
        {
            foreach (var server in servers) await server.DisposeAsync();
        }
    }
}
