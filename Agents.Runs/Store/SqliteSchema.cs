using Microsoft.Data.Sqlite;

namespace Agents.Runs;

/// <summary>The tables of agents.db. The version is kept in the file (<c>user_version</c>).</summary>
internal static class SqliteSchema
{
    public const int Version = 1;

    // revision: rises with every write to the run; the index lets other processes ask "what changed since?".
    // Times are UTC ticks. A run's own columns are the truth; request is what the client asked for and never changes.
    private const string Tables = """
        CREATE TABLE revision (value INTEGER NOT NULL);
        INSERT INTO revision VALUES (0);

        CREATE TABLE runs (
            ordinal          INTEGER PRIMARY KEY AUTOINCREMENT,
            id               TEXT NOT NULL UNIQUE,
            state            TEXT NOT NULL,
            request          TEXT NOT NULL,
            attempt          INTEGER NOT NULL DEFAULT 0,
            failed_attempts  INTEGER NOT NULL DEFAULT 0,
            failures         TEXT,
            cancel_requested INTEGER NOT NULL DEFAULT 0,
            worker_id        TEXT,
            lease_expires    INTEGER,
            created_at       INTEGER NOT NULL,
            started_at       INTEGER,
            ended_at         INTEGER,
            error            TEXT,
            last_sequence    INTEGER NOT NULL DEFAULT 0,
            last_call        INTEGER NOT NULL DEFAULT 0,
            revision         INTEGER NOT NULL DEFAULT 0
        );
        CREATE INDEX runs_by_state ON runs (state, ordinal);
        CREATE INDEX runs_by_revision ON runs (revision);

        CREATE TABLE agents (
            run_id     TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            position   INTEGER NOT NULL,
            name       TEXT NOT NULL,
            state      TEXT NOT NULL,
            standing   TEXT NOT NULL,
            result     TEXT,
            checkpoint TEXT,
            PRIMARY KEY (run_id, name)
        );

        CREATE TABLE events (
            run_id   TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            sequence INTEGER NOT NULL,
            type     TEXT NOT NULL,
            at       INTEGER NOT NULL,
            agent    TEXT,
            data     TEXT NOT NULL,
            PRIMARY KEY (run_id, sequence)
        ) WITHOUT ROWID;

        CREATE TABLE tool_calls (
            run_id      TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            number      INTEGER NOT NULL,
            agent       TEXT NOT NULL,
            tool        TEXT NOT NULL,
            arguments   TEXT NOT NULL,
            started_at  INTEGER NOT NULL,
            result      TEXT,
            is_error    INTEGER,
            duration_ms REAL,
            PRIMARY KEY (run_id, number)
        );
        """;

    /// <summary>Makes the tables of a new file, or checks that this program can read an existing one.</summary>
    /// <exception cref="InvalidOperationException">A newer version of the program wrote the file.</exception>
    public static void Apply(SqliteConnection connection, string file)
    {
        // Immediate: of two processes that start on a new file one makes the tables and the other finds them.
        using var transaction = connection.BeginTransaction(deferred: false);
        var found = connection.Number("PRAGMA user_version");
        if (found > Version)
        {
            throw new InvalidOperationException(
                $"{file} was written by a newer version of this program (schema {found}; this one knows {Version}). " +
                "Start the newer version, or give this one another Storage:Directory.");
        }

        if (found == 0)
            connection.Execute($"{Tables} PRAGMA user_version = {Version};");
        transaction.Commit();
    }
}
