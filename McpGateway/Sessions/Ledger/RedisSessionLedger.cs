using StackExchange.Redis;

namespace McpGateway.Sessions.Ledger;

/// <summary>Sessions in Redis, for gateways on any number of machines. Redis's own clock ends owners and entries.</summary>
internal sealed class RedisSessionLedger(RedisStore redis, LedgerTimes times, TimeProvider time) : ISessionLedger
{
    private const string Sessions = RedisStore.Prefix + "session:";
    private const string Owners = RedisStore.Prefix + "owner:";

    private static readonly RedisKey s_index = RedisStore.Prefix + "sessions";

    public Task RecordAsync(LedgerEntry entry, CancellationToken cancellationToken) => redis.EvaluateAsync(
        RedisScripts.Record,
        [Sessions + entry.Id, s_index, Owners + entry.Owner],
        [
            entry.Id, Milliseconds(times.Owner), Milliseconds(times.Entry), Expiry(),
            "owner", entry.Owner, "epoch", entry.Epoch, "upstream", entry.Upstream, "fingerprint", entry.Fingerprint, "sealed", entry.Sealed,
            "opened", entry.OpenedAt.ToUnixTimeMilliseconds(), "parked", Parked(entry),
        ],
        cancellationToken);

    public async Task<bool> RewriteAsync(LedgerEntry entry, CancellationToken cancellationToken) =>
        (bool)await redis.EvaluateAsync(RedisScripts.Rewrite, [Sessions + entry.Id], [entry.Owner, entry.Epoch, entry.Sealed, Parked(entry)], cancellationToken);

    public async Task<bool> ForgetAsync(LedgerEntry entry, CancellationToken cancellationToken) =>
        (bool)await redis.EvaluateAsync(RedisScripts.Forget, [Sessions + entry.Id, s_index], [entry.Owner, entry.Epoch, entry.Id], cancellationToken);

    public async Task<IReadOnlyDictionary<string, LedgerLoss>> RenewAsync(string owner, IReadOnlyCollection<LedgerEntry> entries, CancellationToken cancellationToken)
    {
        var answer = (string[])(await redis.EvaluateAsync(
            RedisScripts.Renew,
            [Owners + owner, s_index, .. entries.Select(entry => (RedisKey)(Sessions + entry.Id))],
            [owner, Milliseconds(times.Owner), Milliseconds(times.Entry), Expiry(), .. entries.SelectMany(entry => new RedisValue[] { entry.Id, entry.Epoch })],
            cancellationToken))!;
        return answer.Chunk(2).ToDictionary(pair => pair[0], pair => Enum.Parse<LedgerLoss>(pair[1]), StringComparer.Ordinal);
    }

    public Task LeaveAsync(string owner, CancellationToken cancellationToken) => redis.RunAsync(database => database.KeyDeleteAsync(Owners + owner), cancellationToken);

    public async Task<IReadOnlyList<LedgerEntry>> ListClaimableAsync(string? upstream, CancellationToken cancellationToken)
    {
        var ids = (string[])(await redis.EvaluateAsync(
            RedisScripts.ListClaimable, [s_index], [time.GetUtcNow().ToUnixTimeMilliseconds(), Sessions, Owners, upstream ?? ""], cancellationToken))!;
        var hashes = await redis.RunAsync(database => Task.WhenAll(ids.Select(id => database.HashGetAllAsync(Sessions + id))), cancellationToken);
        return [.. ids.Zip(hashes, Entry).OfType<LedgerEntry>().OrderBy(entry => entry.OpenedAt)];
    }

    public async Task<LedgerEntry?> ClaimAsync(LedgerEntry entry, string claimer, CancellationToken cancellationToken)
    {
        var claimed = await redis.EvaluateAsync(
            RedisScripts.Claim, [Sessions + entry.Id, Owners + entry.Owner, Owners + claimer], [entry.Owner, entry.Epoch, claimer, Milliseconds(times.Owner)], cancellationToken);
        return claimed.IsNull ? null : entry with { Owner = claimer, Epoch = entry.Epoch + 1, ParkedUntil = null, Sealed = (string)claimed! };
    }

    private long Expiry() => (time.GetUtcNow() + times.Entry).ToUnixTimeMilliseconds();

    private static long Milliseconds(TimeSpan span) => (long)span.TotalMilliseconds;

    private static RedisValue Parked(LedgerEntry entry) => entry.ParkedUntil is { } until ? until.ToUnixTimeMilliseconds() : "";

    /// <summary>Null when the entry has gone since it was listed, or is none.</summary>
    private static LedgerEntry? Entry(string id, HashEntry[] hash)
    {
        var fields = hash.ToDictionary(field => (string)field.Name!, field => (string?)field.Value ?? "", StringComparer.Ordinal);
        if (!Number("epoch", out var epoch) || !Number("opened", out var opened)) return null;
        return new LedgerEntry
        {
            Id = id,
            Upstream = fields.GetValueOrDefault("upstream", ""),
            Fingerprint = fields.GetValueOrDefault("fingerprint", ""),
            Owner = fields.GetValueOrDefault("owner", ""),
            Epoch = epoch,
            Sealed = fields.GetValueOrDefault("sealed", ""),
            OpenedAt = DateTimeOffset.FromUnixTimeMilliseconds(opened),
            ParkedUntil = Number("parked", out var parked) ? DateTimeOffset.FromUnixTimeMilliseconds(parked) : null,
        };

        bool Number(string name, out long number) =>
            long.TryParse(fields.GetValueOrDefault(name), System.Globalization.CultureInfo.InvariantCulture, out number) && number is >= 0 and < 253_402_300_800_000;
    }
}
