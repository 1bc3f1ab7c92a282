using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Benchmarks.Measure;
using Benchmarks.Servers;

namespace Benchmarks.Cases;

/// <summary>
/// What a stream costs on which nothing happens: by how much the memory of one Api grows with a thousand clients that follow runs which wait for a
/// worker, after each has had a comment, so that all of a stream's life but its events has been. Each measurement has a process of its own, with
/// one heap and little room for garbage, which would be most of what is measured else.
/// </summary>
internal static class StreamsCase
{
    private const int RoundCount = 3;
    private const int Streams = 1_000;
    private const int Runs = 100;

    private static readonly Dictionary<string, string?> s_frugal = new()
    {
        ["DOTNET_gcServer"] = "0",
        ["DOTNET_GCgen0size"] = "400000",
        ["Logging__LogLevel__Default"] = "Warning",
    };

    public static async Task RunAsync(CancellationToken cancellationToken)
    {
        if (!OperatingSystem.IsLinux())
        {
            Console.WriteLine("The memory of a process is read from /proc: Linux only.");
            return;
        }

        (string Name, Func<Task<double>> Measure)[] subjects =
        [
            ("bare Kestrel", () => BareAsync(cancellationToken)),
            ("native", () => ApiAsync("native", cancellationToken)),
            ("ui-message-stream", () => ApiAsync("ui-message-stream", cancellationToken)),
            ("ag-ui", () => ApiAsync("ag-ui", cancellationToken)),
        ];
        var results = await Rounds.InterleaveAsync(RoundCount, [.. subjects.Select(subject => subject.Measure)]);
        var table = new Table($"{Streams:N0} idle streams", "bytes a stream", "to bare Kestrel");
        for (var i = 0; i < subjects.Length; i++)
        {
            table.Add(
                subjects[i].Name,
                Numbers.Whole(Rounds.Median(results[i], bytes => bytes)),
                Numbers.Ratio(Rounds.Ratio(results[i], results[0], bytes => bytes)));
        }

        table.Print();
    }

    private static async Task<double> BareAsync(CancellationToken cancellationToken)
    {
        await using var process = ChildProcess.Start("dotnet", [typeof(BareStream).Assembly.Location, BareStream.Role], s_frugal);
        var line = await process.WaitForLineAsync(line => line.StartsWith("http://", StringComparison.Ordinal));
        return await GrowthAsync(process.Id, new Uri(line), _ => "/", cancellationToken);
    }

    private static async Task<double> ApiAsync(string format, CancellationToken cancellationToken)
    {
        using var directory = new TemporaryDirectory();
        await using var api = await ServiceProcess.StartAsync("Agents.Api", environment: new Dictionary<string, string?>(s_frugal)
        {
            ["Storage__Directory"] = directory.FullPath,
            ["Repositories__self__Path"] = directory.FullPath,
        });
        var runs = new List<string>();
        while (runs.Count < Runs)
        {
            using var answer = await api.Client.PostAsJsonAsync("/api/v1/runs", new { repository = "self", query = "What should be simplified first?" }, cancellationToken);
            answer.EnsureSuccessStatusCode();
            runs.Add((await answer.Content.ReadFromJsonAsync<JsonElement>(cancellationToken)).GetProperty("id").GetString()!);
        }

        return await GrowthAsync(api.Id, api.BaseAddress, i => $"/api/v1/runs/{runs[i % Runs]}/events?format={format}", cancellationToken);
    }

    /// <returns>Bytes by which the process grew for each stream.</returns>
    private static async Task<double> GrowthAsync(int process, Uri server, Func<int, string> path, CancellationToken cancellationToken)
    {
        using var handler = new SocketsHttpHandler { MaxConnectionsPerServer = int.MaxValue };
        using var client = new HttpClient(handler) { BaseAddress = server, Timeout = Timeout.InfiniteTimeSpan };
        // What the first streams bring along, such as compiled code, is not the price of one more.
        await using var first = await OpenAsync(client, 50, path, cancellationToken);
        var before = Resident(process);
        await using var all = await OpenAsync(client, Streams, path, cancellationToken);
        return (Resident(process) - before) / Streams;
    }

    /// <summary>Opens streams and waits until each has had a comment.</summary>
    private static async Task<OpenStreams> OpenAsync(HttpClient client, int count, Func<int, string> path, CancellationToken cancellationToken)
    {
        var opened = new OpenStreams();
        for (var i = 0; i < count; i++)
            opened.Bodies.Add(await client.GetStreamAsync(path(i), cancellationToken));
        await Task.WhenAll(opened.Bodies.Select(body => PingAsync(body, cancellationToken)));
        return opened;
    }

    private static async Task PingAsync(Stream body, CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(body, bufferSize: 256, leaveOpen: true);
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            if (line == ": ping") return;
        }

        throw new InvalidOperationException("A stream ended before its first comment.");
    }

    private static double Resident(int process)
    {
        var line = File.ReadLines($"/proc/{process}/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return 1024.0 * long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }

    private sealed class OpenStreams : IAsyncDisposable
    {
        public List<Stream> Bodies { get; } = [];

        public async ValueTask DisposeAsync()
        {
            foreach (var body in Bodies) await body.DisposeAsync();
        }
    }
}
