using System.Diagnostics;
using System.Globalization;

namespace Benchmarks.Measure;

/// <summary>
/// Processor time that a process and its children have used. It tells what a call costs even while others use the machine.
/// </summary>
internal static class CpuTime
{
    /// <summary>Of the process and, on Linux, of the children its first thread started; zero for what has ended.</summary>
    public static TimeSpan Of(int process)
    {
        var sum = TimeSpan.Zero;
        foreach (var id in Children(process).Prepend(process))
        {
            try
            {
                using var found = Process.GetProcessById(id);
                sum += found.TotalProcessorTime;
            }
            catch (ArgumentException)
            {
                // It has ended in between.
            }
        }

        return sum;
    }

    private static IEnumerable<int> Children(int process)
    {
        var file = $"/proc/{process}/task/{process}/children";
        return File.Exists(file)
            ? File.ReadAllText(file).Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(id => int.Parse(id, CultureInfo.InvariantCulture))
            : [];
    }
}
