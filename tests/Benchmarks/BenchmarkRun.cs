using System.Globalization;
using System.Runtime.InteropServices;

namespace Benchmarks;

/// <summary>One table, or a few that belong together.</summary>
/// <param name="Name">What a filter names.</param>
/// <param name="Title">What it shows.</param>
/// <param name="RunAsync">Measures and prints.</param>
internal sealed record Benchmark(string Name, string Title, Func<CancellationToken, Task> RunAsync);

/// <summary>Runs the benchmarks that were asked for, and says on what machine. It judges nothing: whoever reads the ratios does.</summary>
internal sealed class BenchmarkRun(IReadOnlyList<Benchmark> benchmarks)
{
    /// <summary>No run takes nearly as long; one that hangs ends.</summary>
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(15);

    /// <summary>What the command line takes.</summary>
    public string Usage => $"""
        benchmarks [part of a name]...

        Runs the benchmarks whose name holds one of the parts, or all of them, and prints their tables. Build with -c Release.

        {string.Join(Environment.NewLine, benchmarks.Select(static benchmark => $"  {benchmark.Name,-10}{benchmark.Title}"))}
        """;

    /// <returns>0; 1 when the filter names nothing, or the run was stopped.</returns>
    public async Task<int> RunAsync(string[] filters, CancellationToken cancellationToken)
    {
        if (filters.Any(static filter => filter is "--help" or "-h" or "-?"))
        {
            Console.WriteLine(Usage);
            return 0;
        }

        var chosen = benchmarks.Where(benchmark => filters.Length == 0 || filters.Any(filter => benchmark.Name.Contains(filter, StringComparison.OrdinalIgnoreCase))).ToList();
        if (chosen.Count == 0)
        {
            await Console.Error.WriteLineAsync($"No benchmark is named {string.Join(" or ", filters)}. There are: {string.Join(", ", benchmarks.Select(benchmark => benchmark.Name))}.");
            return 1;
        }

        Console.WriteLine($"{Environment.ProcessorCount} cores shared by all processes, {RuntimeInformation.FrameworkDescription}, {RuntimeInformation.OSDescription}, {LoadNow()}");
        if (!RepositoryRootIsRelease()) Console.WriteLine("This is a Debug build: its numbers mean nothing. Run with -c Release.");
        using var limit = new CancellationTokenSource(s_limit, TimeProvider.System);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        foreach (var benchmark in chosen)
        {
            Console.WriteLine();
            Console.WriteLine($"## {benchmark.Name}: {benchmark.Title}");
            try
            {
                await benchmark.RunAsync(either.Token);
            }
            catch (OperationCanceledException) when (either.IsCancellationRequested)
            {
                await Console.Error.WriteLineAsync(limit.IsCancellationRequested ? $"Stopped: it took longer than {s_limit.TotalMinutes} minutes." : "Stopped.");
                return 1;
            }
        }

        Console.WriteLine();
        Console.WriteLine(LoadNow());
        return 0;
    }

    private static bool RepositoryRootIsRelease() => AppContext.BaseDirectory.Contains($"{Path.DirectorySeparatorChar}Release{Path.DirectorySeparatorChar}", StringComparison.Ordinal);

    private static string LoadNow() => File.Exists("/proc/loadavg")
        ? string.Create(CultureInfo.InvariantCulture, $"load average {string.Join(' ', File.ReadAllText("/proc/loadavg").Split(' ').Take(3))}")
        : "load average unknown";
}
