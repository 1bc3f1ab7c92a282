using Microsoft.Data.Sqlite;

namespace Agents.Runs;

/// <summary>
/// The file agents.db, which the Api's and the workers' processes share. Per process there is one connection that writes,
/// owned by whoever holds <c>_writing</c>; a write is one immediate transaction that is stored whole or not at all, and its
/// changes are announced only after it is stored. Readers have connections of their own and never wait for a writer (WAL).
/// </summary>
internal sealed class SqliteDatabase : IAsyncDisposable
{
    // SQLite's result codes for what may pass.
    private const int Busy = 5;
    private const int Locked = 6;
    private const int IoError = 10;
    private const int Full = 13;

    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly SqliteConnection _writer;
    private readonly string _connectionString;
    private readonly SqliteChangePoll _poll;

    /// <summary>Opens the file, which is made when missing.</summary>
    /// <exception cref="InvalidOperationException">The file cannot be used; the message says why and what to do.</exception>
    public SqliteDatabase(string directory, TimeProvider time)
    {
        var file = Path.Combine(Path.GetFullPath(directory), "agents.db");
        _connectionString = new SqliteConnectionStringBuilder { DataSource = file, ForeignKeys = true }.ToString();
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            _writer = Open();
            // NORMAL: a killed process loses nothing; a power cut may lose the last moments, never the file.
            _writer.Execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;");
            SqliteSchema.Apply(_writer, file);
        }
        catch (Exception exception) when (exception is SqliteException or IOException or UnauthorizedAccessException)
        {
            _writer?.Dispose();
            throw new InvalidOperationException($"{file} cannot be used: {exception.Message} Check that Storage:Directory is a folder this program may write to.", exception);
        }
        catch
        {
            _writer?.Dispose();
            throw;
        }

        _poll = new SqliteChangePoll(Open(), Changes, time);
    }

    /// <summary>Wakes readers in this process, whichever process wrote.</summary>
    public ChangeSignals Changes { get; } = new();

    /// <summary>Tests: called before each commit, and may throw as if the process ended there.</summary>
    public Action? BeforeCommit { get; set; }

    /// <summary>Tests: called after each commit, before anybody is told, and may throw as if the process ended there.</summary>
    public Action? AfterCommit { get; set; }

    /// <summary>Runs <paramref name="work"/> in one immediate transaction. Once begun it is not cancelled.</summary>
    /// <exception cref="RunStoreUnavailableException">Another process wrote for too long, or the disk is full or broken; nothing was written.</exception>
    public async Task<T> WriteAsync<T>(Func<SqliteWrite, T> work, CancellationToken cancellationToken)
    {
        await _writing.WaitAsync(cancellationToken).ConfigureAwait(false);
        SqliteWrite write;
        T result;
        try
        {
            using var transaction = _writer.BeginTransaction(deferred: false);
            write = new SqliteWrite(_writer);
            result = work(write);
            write.Stamp();
            BeforeCommit?.Invoke();
            transaction.Commit();
        }
        catch (SqliteException error) when (error.SqliteErrorCode is Busy or Locked or IoError or Full)
        {
            throw new RunStoreUnavailableException($"agents.db cannot be written now: {error.Message}", error);
        }
        finally
        {
            _writing.Release();
        }

        AfterCommit?.Invoke();
        write.Announce(Changes);
        return result;
    }

    /// <summary>Runs <paramref name="look"/> on one snapshot of the file.</summary>
    public T Read<T>(Func<SqliteConnection, T> look)
    {
        using var connection = Open();
        using var snapshot = connection.BeginTransaction(deferred: true);
        return look(connection);
    }

    public async ValueTask DisposeAsync()
    {
        await _poll.DisposeAsync().ConfigureAwait(false);
        await _writing.WaitAsync().ConfigureAwait(false);
        await _writer.DisposeAsync().ConfigureAwait(false);
        using var pooled = new SqliteConnection(_connectionString);
        SqliteConnection.ClearPool(pooled);
    }

    private SqliteConnection Open()
    {
        var connection = new SqliteConnection(_connectionString);
        connection.Open();
        // SQLite's own wait steps in milliseconds; the provider's retry sleeps 150 ms at a time.
        connection.Execute("PRAGMA busy_timeout = 5000;");
        return connection;
    }
}
