namespace Agents.Runs;

/// <summary>The outbox in agents.db. A message is written in the transaction of the change it tells of.</summary>
internal sealed class SqliteWebhookOutbox(SqliteDatabase database, TimeProvider time) : IWebhookOutbox
{
    private const string Due = "SELECT id FROM webhooks WHERE due <= $now ORDER BY due LIMIT 1";

    public async Task<WebhookDelivery?> TakeAsync(TimeSpan hold, CancellationToken cancellationToken)
    {
        // Whoever looks and finds nothing does not ask for the writer's place.
        if (database.Read(connection => connection.Query(Due, row => row.GetString(0), ("$now", time.GetUtcNow()))).Count == 0)
            return null;

        return await database.WriteAsync(write =>
        {
            var now = time.GetUtcNow();
            return write.Connection.Query(
                $"UPDATE webhooks SET due = $until, attempts = attempts + 1 WHERE id = ({Due}) RETURNING id, attempts",
                row => new WebhookDelivery(row.GetString(0), row.GetInt32(1)), ("$now", now), ("$until", now + hold)).SingleOrDefault();
        }, cancellationToken).ConfigureAwait(false);
    }

    public Task RetryAsync(string id, TimeSpan pause, CancellationToken cancellationToken) => database.WriteAsync(
        write => write.Connection.Execute("UPDATE webhooks SET due = $due WHERE id = $id", ("$due", time.GetUtcNow() + pause), ("$id", id)), cancellationToken);

    public Task CompleteAsync(string id, CancellationToken cancellationToken) => database.WriteAsync(
        write => write.Connection.Execute("DELETE FROM webhooks WHERE id = $id", ("$id", id)), cancellationToken);
}
