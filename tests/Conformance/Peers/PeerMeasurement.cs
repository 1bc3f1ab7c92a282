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

/// <summary>Every client's tour of every server through one gateway, taken once for all tests.</summary>
public sealed class PeerMeasurement
{
    private const int AtOnce = 3;

    private readonly Lazy<Task<IReadOnlyDictionary<PeerPair, IReadOnlyDictionary<string, string?>>>> _tours = new(MeasureAsync);

    /// <summary>What came out; skips the test, or fails it in CI, where the packages are not installed.</summary>
    internal Task<IReadOnlyDictionary<PeerPair, IReadOnlyDictionary<string, string?>>> ToursAsync()
    {
        NpmPeers.Require();
        return _tours.Value;
    }

    private static async Task<IReadOnlyDictionary<PeerPair, IReadOnlyDictionary<string, string?>>> MeasureAsync()
    {
        using var folder = new TemporaryDirectory();
        var servers = new List<NodeProcess>();
        try
        {
            var entries = new JsonObject();
            foreach (var server in PeerServer.All)
            {
                var process = await server.StartAsync();
                if (process is not null) servers.Add(process);
                entries.Add(server.Entry(process, folder.FullPath));
            }

            await using var gateway = await Gateway.StartAsync(entries);
            foreach (var server in PeerServer.All) await gateway.WarmAsync(server.Name);
            var tours = new ConcurrentDictionary<PeerPair, IReadOnlyDictionary<string, string?>>();
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
