using Microsoft.Extensions.Logging;
using RepositoryTools.Analysis;

namespace RepositoryTools.Repositories;

/// <summary>How far the reading of a repository is.</summary>
internal readonly record struct IndexProgress(string Repository, int Done, int Total);

/// <summary>
/// Keeps the current <see cref="Snapshot"/> of a repository.
/// Only the holder of <c>_gate</c> replaces the snapshot; readers take the reference and keep it.
/// "Changed" is taken down before the files are listed, so what changes during a refresh asks for another one.
/// A cancelled or failed refresh leaves the old snapshot in place and the mark up.
/// </summary>
internal sealed partial class RepositoryIndex(RepositoryRoot root, TimeProvider clock, ILogger log) : IAsyncDisposable
{
    private static readonly TimeSpan _recheckAfter = TimeSpan.FromSeconds(2);
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly RepositoryWatcher _watcher = new(root, clock);
    private Snapshot? _snapshot;
    private long _checkedAt;
    private int _changed = 1;
    private int _done;
    private int _total;
    private Task _warm = Task.CompletedTask;

    /// <summary>Reads in the background as soon as <paramref name="begin"/> completes, and what changes from then on until the token is cancelled.</summary>
    internal void Start(Task begin, CancellationToken stopping) => _warm = Task.Run(() => KeepWarmAsync(begin, stopping), CancellationToken.None);

    /// <summary>The current state of the files; waits while it is being read, telling the progress.</summary>
    internal async Task<Snapshot> SnapshotAsync(Func<IndexProgress, CancellationToken, Task>? progress, CancellationToken cancellationToken)
    {
        root.Require();
        var refresh = CurrentAsync(cancellationToken);
        while (progress is not null && !refresh.IsCompleted)
        {
            await Task.WhenAny(refresh, Task.Delay(TimeSpan.FromMilliseconds(250), clock, cancellationToken));
            if (!refresh.IsCompleted && Volatile.Read(ref _total) > 0)
            {
                await progress(new(root.Name, Volatile.Read(ref _done), Volatile.Read(ref _total)), cancellationToken);
            }
        }

        return await refresh;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _warm;
        _watcher.Dispose();
        _gate.Dispose();
    }

    private async Task KeepWarmAsync(Task begin, CancellationToken stopping)
    {
        try
        {
            await begin.WaitAsync(stopping);
            while (!stopping.IsCancellationRequested)
            {
                await WarmOnceAsync(stopping);
                await _watcher.ChangedAsync(stopping);
                Volatile.Write(ref _changed, 1);
            }
        }
        catch (OperationCanceledException)
        {
            // The server ends.
        }
    }

    private async Task WarmOnceAsync(CancellationToken stopping)
    {
        try
        {
            var first = _snapshot is null;
            var start = clock.GetTimestamp();
            var snapshot = await CurrentAsync(stopping);
            if (first)
            {
                LogRead(log, root.Name, snapshot.Files.Count, clock.GetElapsedTime(start).TotalMilliseconds);
            }
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            LogUnreadable(log, root.Name, exception.Message);
        }
    }

    private async Task<Snapshot> CurrentAsync(CancellationToken cancellationToken)
    {
        if (_snapshot is { } current && IsFresh())
        {
            return current;
        }

        await _gate.WaitAsync(cancellationToken);
        try
        {
            return _snapshot is { } meanwhile && IsFresh() ? meanwhile : await RefreshAsync(cancellationToken);
        }
        finally
        {
            _gate.Release();
        }
    }

    private bool IsFresh()
    {
        if (Volatile.Read(ref _changed) != 0 || _watcher.TakeChanged())
        {
            Volatile.Write(ref _changed, 1);
            return false;
        }

        return _watcher.IsWatching || clock.GetElapsedTime(Volatile.Read(ref _checkedAt)) < _recheckAfter;
    }

    private async Task<Snapshot> RefreshAsync(CancellationToken cancellationToken)
    {
        _watcher.Watch();
        Volatile.Write(ref _changed, 0);
        var complete = false;
        try
        {
            var listing = await FileListing.OfAsync(root, clock, cancellationToken);
            var snapshot = await Task.Run(() => Read(listing, cancellationToken), cancellationToken);
            _snapshot = snapshot;
            Volatile.Write(ref _checkedAt, clock.GetTimestamp());
            complete = true;
            return snapshot;
        }
        finally
        {
            if (!complete)
            {
                Volatile.Write(ref _changed, 1);
            }
        }
    }

    private Snapshot Read(FileListing listing, CancellationToken cancellationToken)
    {
        var known = _snapshot?.Files.ToDictionary(f => f.Path, StringComparer.Ordinal) ?? [];
        var read = new SourceFile?[listing.Files.Count];
        Volatile.Write(ref _done, 0);
        Volatile.Write(ref _total, listing.Files.Count);
        var projects = DotNetProjects.Of(root.FullPath, listing.Files);
        Parallel.For(0, read.Length, new ParallelOptions { CancellationToken = cancellationToken, MaxDegreeOfParallelism = Environment.ProcessorCount }, i =>
        {
            read[i] = ReadFile(listing.Files[i], known, projects);
            Interlocked.Increment(ref _done);
        });
        Volatile.Write(ref _total, 0);
        return new([.. read.OfType<SourceFile>()], listing.Total, projects);
    }

    private SourceFile? ReadFile(string path, Dictionary<string, SourceFile> known, DotNetProjects projects)
    {
        var file = new FileInfo(Path.Combine(root.FullPath, path));
        if (!file.Exists || file.LinkTarget is not null)
        {
            return null;
        }

        var isTest = projects.IsTest(path);
        if (known.TryGetValue(path, out var before) && before.Bytes == file.Length && before.ModifiedAt == file.LastWriteTimeUtc)
        {
            return before.IsTest == isTest ? before : before with { IsTest = isTest };
        }

        var language = Language.Of(path);
        var text = FileText.Read(file.FullName).Text;
        return new(path, file.Length, file.LastWriteTimeUtc, language, isTest, text is null ? null : FileReading.Of(path, text, language));
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Repository}: {Files} files read in {Milliseconds:0} ms")]
    private static partial void LogRead(ILogger log, string repository, int files, double milliseconds);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Repository}: {Reason}")]
    private static partial void LogUnreadable(ILogger log, string repository, string reason);
}
