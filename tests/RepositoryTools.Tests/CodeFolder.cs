using Microsoft.Extensions.Logging.Abstractions;
using RepositoryTools.Repositories;

namespace RepositoryTools.Tests;

/// <summary>Reads a folder of code the way the server does, in this process.</summary>
internal static class CodeFolder
{
    internal static async Task<Snapshot> ReadAsync(TemporaryDirectory folder)
    {
        await using var index = new RepositoryIndex(new("shop", folder.FullPath), TimeProvider.System, NullLogger.Instance);
        return await index.SnapshotAsync(null, TestContext.Current.CancellationToken);
    }
}
