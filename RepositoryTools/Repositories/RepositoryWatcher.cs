using System.Threading.Channels;
using RepositoryTools.Analysis;

namespace RepositoryTools.Repositories;

/// <summary>
/// Tells that something below a root may have changed. Where the system cannot watch (no handles left, a network share),
/// <see cref="IsWatching"/> is false and the index looks by itself.
/// </summary>
internal sealed class RepositoryWatcher(RepositoryRoot root, TimeProvider clock) : IDisposable
{
    private static readonly TimeSpan _debounce = TimeSpan.FromMilliseconds(400);
    private static readonly TimeSpan _retryAfter = TimeSpan.FromSeconds(2);
    private readonly Channel<bool> _changes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private FileSystemWatcher? _watcher;
    private DateTime _rootCreatedAt;
    private int _changed;

    /// <summary>Whether changes are told. A folder that took the place of the watched one is not watched yet.</summary>
    internal bool IsWatching => Volatile.Read(ref _watcher) is not null && Directory.GetCreationTimeUtc(root.FullPath) == _rootCreatedAt;

    /// <summary>Starts watching unless it does already. Only one caller at a time.</summary>
    internal void Watch()
    {
        if (IsWatching || !Directory.Exists(root.FullPath))
        {
            return;
        }

        Interlocked.Exchange(ref _watcher, null)?.Dispose();
        _rootCreatedAt = Directory.GetCreationTimeUtc(root.FullPath);
        FileSystemWatcher? watcher = null;
        try
        {
            watcher = new FileSystemWatcher(root.FullPath)
            {
                IncludeSubdirectories = true,
                NotifyFilter = NotifyFilters.FileName | NotifyFilters.DirectoryName | NotifyFilters.LastWrite | NotifyFilters.Size,
            };
            watcher.Changed += (_, e) => Note(e.Name);
            watcher.Created += (_, e) => Note(e.Name);
            watcher.Deleted += (_, e) => Note(e.Name);
            watcher.Renamed += (_, e) => Note(e.Name);
            watcher.Error += (_, _) => Stop();
            watcher.EnableRaisingEvents = true;
            Volatile.Write(ref _watcher, watcher);
        }
        catch (Exception exception) when (exception is IOException or ArgumentException or UnauthorizedAccessException)
        {
            watcher?.Dispose();
        }
    }

    /// <summary>Whether something changed since the last time this was asked.</summary>
    internal bool TakeChanged() => Interlocked.Exchange(ref _changed, 0) != 0;

    /// <summary>Completes some time after a change, when the burst it began is over. Without a watcher: after a while.</summary>
    internal async Task ChangedAsync(CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _watcher) is null)
        {
            await Task.Delay(_retryAfter, clock, cancellationToken);
            return;
        }

        await _changes.Reader.ReadAsync(cancellationToken);
        do
        {
            await Task.Delay(_debounce, clock, cancellationToken);
        }
        while (_changes.Reader.TryRead(out _));
    }

    /// <inheritdoc/>
    public void Dispose() => Stop();

    private void Note(string? path)
    {
        // Builds write to ignored folders all the time.
        if (path is null || !path.Split('/', '\\').Any(KnownFolders.IsIgnored))
        {
            Volatile.Write(ref _changed, 1);
            _changes.Writer.TryWrite(true);
        }
    }

    private void Stop()
    {
        Interlocked.Exchange(ref _watcher, null)?.Dispose();
        Volatile.Write(ref _changed, 1);
        _changes.Writer.TryWrite(true);
    }
}
