namespace RepositoryTools.Repositories;

/// <summary>Reads which commit of a repository is checked out.</summary>
internal static class GitStates
{
    /// <summary>The state; null where git is missing, or there is no repository or no commit yet.</summary>
    internal static async Task<GitState?> OfAsync(Repository repository, CancellationToken cancellationToken)
    {
        var commit = await Git.AskAsync(repository.Root.FullPath, repository.Clock, ["log", "-1", "--no-show-signature", "--format=%H%x00%s%x00%cI"], cancellationToken);
        if (commit?.TrimEnd('\n').Split('\0') is not [var hash, var subject, var committedAt])
        {
            return null;
        }

        var branch = await Git.AskAsync(repository.Root.FullPath, repository.Clock, ["rev-parse", "--abbrev-ref", "HEAD"], cancellationToken);
        return new(branch?.Trim() ?? "HEAD", hash, subject, committedAt);
    }
}
