using Microsoft.Data.Sqlite;

namespace Agents.Runs;

/// <summary>
/// Notices what other processes wrote: every 25 ms it asks SQLite whether the file changed (<c>data_version</c>, no disk access when
/// it did not), and if so which runs, by their revision. A run that is gone has none: then everybody looks. The loop alone owns its connection,
/// <c>_seen</c> and <c>_deletions</c>.
/// </summary>
internal sealed class SqliteChangePoll : IAsyncDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(25);

    private readonly SqliteConnection _connection;
    private readonly SqliteCommand _version;
    private readonly ChangeSignals _changes;
    private readonly PeriodicTimer _timer;
    private readonly Task _loop;
    private long _seen;
    private long _deletions;

    public SqliteChangePoll(SqliteConnection connection, ChangeSignals changes, TimeProvider time)
    {
        _connection = connection;
        _changes = changes;
        // Kept, as it runs forty times a second.
        _version = connection.CreateCommand();
        _version.CommandText = "PRAGMA data_version";
        _version.Prepare();
        _timer = new PeriodicTimer(Period, time);
        var version = Version();
        _seen = connection.Number("SELECT value FROM revision");
        _deletions = Deletions();
        _loop = RunAsync(version);
    }

    public async ValueTask DisposeAsync()
    {
        _timer.Dispose();
        await _loop.ConfigureAwait(false);
        await _version.DisposeAsync().ConfigureAwait(false);
        await _connection.DisposeAsync().ConfigureAwait(false);
    }

    private async Task RunAsync(long version)
    {
        while (await _timer.WaitForNextTickAsync().ConfigureAwait(false))
        {
            try
            {
                var now = Version();
                if (now == version)
                    continue;
                RaiseChanged();
                version = now;
            }
            catch (SqliteException)
            {
                // Busy or a passing fault of the disk: version was not advanced, so the next tick looks again.
            }
        }
    }

    private long Version() => (long)_version.ExecuteScalar()!;

    private void RaiseChanged()
    {
        var changed = _connection.Query(
            "SELECT id, state, revision FROM runs WHERE revision > $seen",
            row => (Id: row.GetString(0), State: row.GetString(1), Revision: row.GetInt64(2)),
            ("$seen", _seen));

        foreach (var (id, state, revision) in changed)
        {
            _changes.Raise(id);
            if (state == SqliteRows.Queued)
                _changes.Raise(ChangeSignals.Queue);
            _seen = Math.Max(_seen, revision);
        }

        if (Deletions() is var deletions && deletions != _deletions)
        {
            _changes.RaiseAll();
            _deletions = deletions;
        }
    }

    private long Deletions() => _connection.Number("SELECT deletions FROM revision");
}
