using Microsoft.Data.Sqlite;

namespace Agents.Runs;

/// <summary>What must be known of a run before it may be changed. Read inside the transaction that changes it.</summary>
internal sealed record SqliteRunHead(string Id, RunState State, int Attempt, int FailedAttempts, string? Failures, bool CancelRequested, string? WorkerId)
{
    private const string Columns = "id, state, attempt, failed_attempts, failures, cancel_requested, worker_id";

    public static SqliteRunHead? Find(SqliteConnection connection, string runId) =>
        connection.Query($"SELECT {Columns} FROM runs WHERE id = $id", Read, ("$id", runId)).SingleOrDefault();

    public static List<SqliteRunHead> Expired(SqliteConnection connection, DateTimeOffset now) => connection.Query(
        $"SELECT {Columns} FROM runs WHERE state = 'running' AND lease_expires <= $now ORDER BY ordinal", Read, ("$now", now));

    /// <summary>The run of a lease that holds.</summary>
    /// <exception cref="LeaseLostException">The run is gone, ended, queued again or taken by another attempt.</exception>
    public static SqliteRunHead Fence(SqliteConnection connection, RunLease lease)
    {
        var head = Find(connection, lease.RunId);
        return head is not null && head.Holds(lease) ? head : throw new LeaseLostException(lease);
    }

    public bool Holds(RunLease lease) => State is RunState.Running or RunState.WaitingApproval && Attempt == lease.Attempt;

    private static SqliteRunHead Read(SqliteDataReader row) => new(
        row.GetString(0), SqliteRows.Enum<RunState>(row.GetString(1)), row.GetInt32(2), row.GetInt32(3), row.Text(4), row.GetBoolean(5), row.Text(6));
}
