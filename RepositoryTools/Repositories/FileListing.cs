using RepositoryTools.Analysis;

namespace RepositoryTools.Repositories;

/// <summary>The files of a repository: those git does not ignore, or, without git, those outside the usual output folders.</summary>
/// <param name="Files">Relative paths with forward slashes, in ordinal order.</param>
/// <param name="Total">How many there are, also when more than are listed.</param>
internal sealed record FileListing(IReadOnlyList<string> Files, int Total)
{
    /// <summary>No more files than this are read of one repository.</summary>
    internal const int MaxFiles = 20_000;

    /// <summary>Lists the files below the root. Symbolic links are left out: what they lead to is listed where it is, or is not ours.</summary>
    internal static async Task<FileListing> OfAsync(RepositoryRoot root, TimeProvider clock, CancellationToken cancellationToken)
    {
        root.Require();
        var listed = await Git.AskAsync(root.FullPath, clock, ["ls-files", "-z", "-c", "-o", "--exclude-standard"], cancellationToken);
        List<string> files = [.. (listed ?? "").Split('\0', StringSplitOptions.RemoveEmptyEntries).Where(f => !f.EndsWith('/'))];

        // Git lists nothing where the root itself is ignored by a repository around it.
        if (files.Count == 0)
        {
            Walk(root.FullPath, "", files, cancellationToken);
        }

        var distinct = files.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        return new([.. distinct.Take(MaxFiles)], distinct.Count);
    }

    private static void Walk(string folder, string prefix, List<string> files, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var options = new EnumerationOptions { IgnoreInaccessible = true, AttributesToSkip = FileAttributes.ReparsePoint };
        foreach (var entry in new DirectoryInfo(folder).EnumerateFileSystemInfos("*", options))
        {
            if (entry is DirectoryInfo)
            {
                if (!KnownFolders.IsIgnored(entry.Name))
                {
                    Walk(entry.FullName, $"{prefix}{entry.Name}/", files, cancellationToken);
                }
            }
            else
            {
                files.Add(prefix + entry.Name);
            }
        }
    }
}
