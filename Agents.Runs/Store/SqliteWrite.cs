using Microsoft.Data.Sqlite;

namespace Agents.Runs;

/// <summary>One write in progress: its connection, inside its transaction, and the runs it touched.</summary>
internal sealed class SqliteWrite(SqliteConnection connection)
{
    private readonly HashSet<string> _touched = [];
    private bool _queued;

    public SqliteConnection Connection => connection;

    /// <summary>Says that a run changed.</summary>
    public void Touch(string runId) => _touched.Add(runId);

    /// <summary>Says that a run became queued.</summary>
    public void TouchQueued(string runId)
    {
        Touch(runId);
        _queued = true;
    }

    /// <summary>Gives the touched runs the next revision, by which other processes find them.</summary>
    public void Stamp()
    {
        if (_touched.Count == 0)
            return;
        var revision = connection.Number("UPDATE revision SET value = value + 1 RETURNING value");
        foreach (var id in _touched)
            connection.Execute("UPDATE runs SET revision = $revision WHERE id = $id", ("$revision", revision), ("$id", id));
    }

    /// <summary>Wakes the readers of this process. Call after the commit.</summary>
    public void Announce(ChangeSignals changes)
    {
        foreach (var id in _touched)
            changes.Raise(id);
        if (_queued)
            changes.Raise(ChangeSignals.Queue);
    }
}
