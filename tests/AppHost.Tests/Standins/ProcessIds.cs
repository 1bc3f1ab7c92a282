using System.Globalization;

namespace AppHost.Tests.Standins;

/// <summary>What the kernel knows of processes (Linux).</summary>
internal static class ProcessIds
{
    internal static bool IsAlive(int id) => Read(id) is { } stat && stat.State is not ('Z' or 'X');

    /// <summary>The session a process belongs to; its own id when it leads one.</summary>
    internal static int SessionOf(int id) => Read(id)?.Session ?? throw new InvalidOperationException($"There is no process {id}.");

    internal static IReadOnlyList<int> ChildrenOf(int parent) =>
        [.. Directory.GetDirectories("/proc").Select(Path.GetFileName).Where(name => int.TryParse(name, out _)).Select(name => int.Parse(name!, CultureInfo.InvariantCulture))
            .Where(id => Read(id)?.Parent == parent)];

    // "id (name) state parent group session …"; the name may hold anything, also a parenthesis.
    private static (char State, int Parent, int Session)? Read(int id)
    {
        try
        {
            var text = File.ReadAllText($"/proc/{id}/stat");
            var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
            return (fields[0][0], int.Parse(fields[1], CultureInfo.InvariantCulture), int.Parse(fields[3], CultureInfo.InvariantCulture));
        }
        catch (IOException)
        {
            return null;
        }
    }
}
