using Benchmarks;
using Benchmarks.Cases;
using Benchmarks.Servers;

// The fast upstream and the bare stream are this program again, in processes of their own.
if (args is [FastUpstream.Role]) return await FastUpstream.RunAsync();
if (args is [BareStream.Role]) return await BareStream.RunAsync();

using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, key) =>
{
    key.Cancel = true;
    stop.Cancel();
};

return await new BenchmarkRun(
    [
        new Benchmark("lease", "Lease and return of an idle session", LeaseCase.RunAsync),
        new Benchmark("http", "A call through the gateway, nginx, and directly", HttpCase.RunAsync),
        new Benchmark("stdio", "A stdio server behind the gateway and behind supergateway", StdioCase.RunAsync),
        new Benchmark("first", "First call of a new caller against a warm call", FirstCallCase.RunAsync),
        new Benchmark("burst", "50 new callers at once on 5 warm sessions", BurstCase.RunAsync),
        new Benchmark("handover", "A run from the Api to a worker, on both stores", HandOverCase.RunAsync),
        new Benchmark("events", "A run's events from the worker to a reader, on both stores", EventsCase.RunAsync),
        new Benchmark("streams", "Memory of a stream on which nothing happens", StreamsCase.RunAsync),
    ])
    .RunAsync(args, stop.Token);
