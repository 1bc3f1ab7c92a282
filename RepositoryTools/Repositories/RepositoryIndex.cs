using Microsoft.Extensions.Logging;
using RepositoryTools.Analysis;
using RepositoryTools.Serving;

namespace RepositoryTools.Repositories;

/// <summary>How far the reading of a repository is.</summary>
internal readonly record struct IndexProgress(string Repository, int Done, int Total);

/// <summary>
/// Keeps the current <see cref="Snapshot"/> of a repository.
/// <c>_gate</c> guards <c>_running</c>: at most one refresh runs, and only it replaces the snapshot. It lives as long as the index,
/// so that a caller who gives up waiting does not undo it. "Changed" is taken down before the files are listed, so that what changes
/// during a refresh asks for another one; a failed refresh leaves the old snapshot in place and the mark up.
/// </summary>
internal sealed partial class RepositoryIndex(RepositoryRoot root, TimeProvider clock, ILogger log) : IAsyncDisposable
{
    private static readonly TimeSpan _recheckAfter = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan _tellEvery = TimeSpan.FromSeconds(1);
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _ended = new();
    private readonly RepositoryWatcher _watcher = new(root, clock);
    private Snapshot? _snapshot;
    private Task<Snapshot>? _running;
    private long _checkedAt;
    private int _changed = 1;
    private int _done;
    private int _total;
    private Task _warm = Task.CompletedTask;

    /// <summary>Reads in the background as soon as <paramref name="begin"/> completes, and from then on what changes.</summary>
    internal void Start(Task begin) => _warm = Task.Run(() => KeepWarmAsync(begin));

    /// <summary>The current state of the files; waits while it is being read, telling the progress.</summary>
    /// <exception cref="ToolError">The root is missing.</exception>
    internal async Task<Snapshot> SnapshotAsync(Func<IndexProgress, CancellationToken, Task>? progress, CancellationToken cancellationToken)
    {
        root.Require();
        var current = CurrentAsync(cancellationToken);
        while (progress is not null && !current.IsCompleted)
        {
            if (Volatile.Read(ref _total) is var total and > 0)
            {
                await progress(new(root.Name, Volatile.Read(ref _done), total), cancellationToken);
            }

            await Task.WhenAny(current, Task.Delay(_tellEvery, clock, cancellationToken));
        }

        return await current;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await _warm;
        await (_running ?? Task.CompletedTask).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _watcher.Dispose();
        _ended.Dispose();
    }

    private async Task KeepWarmAsync(Task begin)
    {
        try
        {
            await begin.WaitAsync(_ended.Token);
            while (true)
            {
                await WarmOnceAsync();
                await _watcher.ChangedAsync(_ended.Token);
                Volatile.Write(ref _changed, 1);
            }
        }
        catch (OperationCanceledException)
        {
            // The server ends.
        }
    }

    private async Task WarmOnceAsync()
    {
        try
        {
            await CurrentAsync(_ended.Token);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            LogUnreadable(log, root.Name, exception.Message);
        }
    }

    private async Task<Snapshot> CurrentAsync(CancellationToken cancellationToken)
    {
        var joined = await RefreshedAsync(cancellationToken);
        // What was joined may have listed the files before the change this caller knows of.
        return joined.IsOwn ? joined.Snapshot : (await RefreshedAsync(cancellationToken)).Snapshot;
    }

    private async Task<(Snapshot Snapshot, bool IsOwn)> RefreshedAsync(CancellationToken cancellationToken)
    {
        Task<Snapshot> running;
        bool isOwn;
        lock (_gate)
        {
            if (_snapshot is { } current && IsFresh())
            {
                return (current, true);
            }

            isOwn = _running is not { IsCompleted: false };
            running = isOwn ? _running = Task.Run(RefreshAsync, _ended.Token) : _running!;
        }

        return (await running.WaitAsync(cancellationToken), isOwn);
    }

    private bool IsFresh()
    {
        if (_watcher.TakeChanged())
        {
            Volatile.Write(ref _changed, 1);
        }

        return Volatile.Read(ref _changed) == 0
            && (_watcher.IsWatching || clock.GetElapsedTime(Volatile.Read(ref _checkedAt)) < _recheckAfter);
    }

    private async Task<Snapshot> RefreshAsync()
    {
        var start = clock.GetTimestamp();
        _watcher.Watch();
        Volatile.Write(ref _changed, 0);
        try
        {
            var listing = await FileListing.OfAsync(root, clock, _ended.Token);
            var snapshot = Read(listing, _ended.Token);
            if (_snapshot is null)
            {
                LogRead(log, root.Name, snapshot.Files.Count, clock.GetElapsedTime(start).TotalMilliseconds);
            }

            _snapshot = snapshot;
            Volatile.Write(ref _checkedAt, clock.GetTimestamp());
            return snapshot;
        }
        catch
        {
            Volatile.Write(ref _changed, 1);
            throw;
        }
        finally
        {
            Volatile.Write(ref _total, 0);
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
        // What is listed and no file of this folder (a link, or deleted since the last commit) counts nowhere.
        SourceFile[] files = [.. read.OfType<SourceFile>()];
        return new(files, listing.Total - read.Length + files.Length, projects);
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
        var text = root.Read(path).Text;
        return new(path, file.Length, file.LastWriteTimeUtc, language, isTest, text is null ? null : FileReading.Of(path, text, language));
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Repository}: {Files} files read in {Milliseconds:0} ms")]
    private static partial void LogRead(ILogger log, string repository, int files, double milliseconds);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Repository}: {Reason}")]
    private static partial void LogUnreadable(ILogger log, string repository, string reason);
}
