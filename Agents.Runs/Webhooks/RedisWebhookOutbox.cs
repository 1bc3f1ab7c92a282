using StackExchange.Redis;

namespace Agents.Runs;

/// <summary>
/// The outbox in Redis: the messages by the time they are due. A message is put in right after the change it tells of; where a
/// process ended between the two, the reaper puts it in.
/// </summary>
internal sealed class RedisWebhookOutbox(RedisDatabase database, TimeProvider time) : IWebhookOutbox
{
    // Keys: messages, attempts. Values: now, until when the message is held. Returns message and attempt; or nothing.
    private const string Take =
        """
        local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, 1)
        if #due == 0 then return false end
        redis.call('ZADD', KEYS[1], ARGV[2], due[1])
        return {due[1], redis.call('HINCRBY', KEYS[2], due[1], 1)}
        """;

    // Keys: messages. Values: due, message. One that was completed stays so.
    private const string Retry = "return redis.call('ZADD', KEYS[1], 'XX', ARGV[1], ARGV[2])";

    // Keys: messages, attempts. Values: message.
    private const string Complete =
        """
        redis.call('HDEL', KEYS[2], ARGV[1])
        return redis.call('ZREM', KEYS[1], ARGV[1])
        """;

    private RedisKeys Keys => database.Keys;

    public async Task<WebhookDelivery?> TakeAsync(TimeSpan hold, CancellationToken cancellationToken)
    {
        var taken = await database.EvaluateAsync(Take, [Keys.Webhooks, Keys.WebhookAttempts], [At(TimeSpan.Zero), At(hold)], cancellationToken).ConfigureAwait(false);
        if (taken.IsNull) return null;
        var parts = (RedisResult[])taken!;
        return new WebhookDelivery((string)parts[0]!, (int)parts[1]);
    }

    public Task RetryAsync(string id, TimeSpan pause, CancellationToken cancellationToken) =>
        database.EvaluateAsync(Retry, [Keys.Webhooks], [At(pause), id], cancellationToken);

    public Task CompleteAsync(string id, CancellationToken cancellationToken) =>
        database.EvaluateAsync(Complete, [Keys.Webhooks, Keys.WebhookAttempts], [id], cancellationToken);

    private long At(TimeSpan later) => (time.GetUtcNow() + later).ToUnixTimeMilliseconds();
}
