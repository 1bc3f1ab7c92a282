using Microsoft.Data.Sqlite;

namespace Agents.Runs;

/// <summary>The tables of agents.db. The version is kept in the file (<c>user_version</c>); an older file is brought up to it.</summary>
internal static class SqliteSchema
{
    public const int Version = 4;

    // revision: rises with every write to the run; the index lets other processes ask "what changed since?".
    // Times are UTC ticks. A run's own columns are the truth; request is what the client asked for and never changes.
    private const string First = """
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

    // What lists are filtered by, the clients' keys, and the agents that users define.
    private const string Second = """
        ALTER TABLE runs ADD COLUMN owner TEXT;
        ALTER TABLE runs ADD COLUMN repository TEXT;
        ALTER TABLE runs ADD COLUMN conversation_id TEXT;
        UPDATE runs SET repository = json_extract(request, '$.repository'), conversation_id = json_extract(request, '$.conversation_id');
        CREATE INDEX runs_by_conversation ON runs (conversation_id, ordinal) WHERE conversation_id IS NOT NULL;
        CREATE INDEX runs_by_end ON runs (ended_at) WHERE ended_at IS NOT NULL;

        CREATE TABLE submissions (
            digest      TEXT PRIMARY KEY,
            fingerprint TEXT NOT NULL,
            run_id      TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            expires     INTEGER NOT NULL
        );
        CREATE INDEX submissions_by_run ON submissions (run_id);

        CREATE TABLE definitions (
            id      TEXT PRIMARY KEY,
            digest  TEXT NOT NULL UNIQUE,
            owner   TEXT,
            name    TEXT NOT NULL,
            version INTEGER NOT NULL
        );
        CREATE TABLE definition_versions (
            id         TEXT NOT NULL REFERENCES definitions (id) ON DELETE CASCADE,
            version    INTEGER NOT NULL,
            definition TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            PRIMARY KEY (id, version)
        );
        """;

    // Calls for which consent was asked: JSON, as they are read and written with the run's standing.
    private const string Third = "ALTER TABLE runs ADD COLUMN approvals TEXT;";

    // Messages to clients that are still to be delivered; and the count of deleted runs, which leave no row that others could notice.
    private const string Fourth = """
        CREATE TABLE webhooks (
            id       TEXT PRIMARY KEY,
            run_id   TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            due      INTEGER NOT NULL,
            attempts INTEGER NOT NULL DEFAULT 0
        );
        CREATE INDEX webhooks_by_due ON webhooks (due);
        CREATE INDEX webhooks_by_run ON webhooks (run_id);

        ALTER TABLE revision ADD COLUMN deletions INTEGER NOT NULL DEFAULT 0;
        CREATE TRIGGER runs_deleted AFTER DELETE ON runs BEGIN UPDATE revision SET deletions = deletions + 1; END;
        """;

    private static readonly string[] Steps = [First, Second, Third, Fourth];

    /// <summary>Makes the tables of a new file, brings those of an older one up to date, or checks that this program can read them.</summary>
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

        foreach (var step in Steps.Skip((int)found))
            connection.Execute(step);
        if (found < Version)
            connection.Execute($"PRAGMA user_version = {Version};");
        transaction.Commit();
    }
}
