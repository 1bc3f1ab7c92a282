namespace RepositoryTools.Repositories;

/// <summary>Where a path really leads when every symbolic link on the way is followed.</summary>
internal static class RealPath
{
    private const int MaxLinks = 40;

    /// <summary>The path without links. Parts that do not exist stay as they are.</summary>
    /// <exception cref="IOException">The links form a circle.</exception>
    internal static string Of(string path)
    {
        var full = Path.GetFullPath(path);
        var root = Path.GetPathRoot(full)!;
        var current = root;
        var ahead = new Stack<string>(Parts(full[root.Length..]).Reverse());
        var links = 0;
        while (ahead.TryPop(out var part))
        {
            var next = Path.Combine(current, part);
            if (LinkTarget(next) is not { } target)
            {
                current = next;
                continue;
            }

            if (++links > MaxLinks)
            {
                throw new IOException($"{path}: more than {MaxLinks} symbolic links follow one another.");
            }

            // The target is walked from its own root, since its folders may be links as well.
            var aim = Path.GetFullPath(target, current);
            current = Path.GetPathRoot(aim)!;
            foreach (var aimPart in Parts(aim[current.Length..]).Reverse())
            {
                ahead.Push(aimPart);
            }
        }

        return current;
    }

    /// <summary>Whether <paramref name="path"/> is the folder <paramref name="root"/> or lies in it. Both must be real.</summary>
    internal static bool IsWithin(string root, string path) =>
        path.Equals(root, StringComparison.Ordinal)
        || path.StartsWith(Path.EndsInDirectorySeparator(root) ? root : root + Path.DirectorySeparatorChar, StringComparison.Ordinal);

    private static string[] Parts(string path) =>
        path.Split([Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar], StringSplitOptions.RemoveEmptyEntries);

    private static string? LinkTarget(string path) => new FileInfo(path).LinkTarget;
}
