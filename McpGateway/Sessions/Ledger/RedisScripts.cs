namespace McpGateway.Sessions.Ledger;

/// <summary>
/// The ledger's operations as Redis runs them: each is one script, so that between "is it mine" and "change it" nothing comes.
/// A session's key is a hash; the index is a sorted set of ids by expiry; an owner lives while its key does.
/// </summary>
internal static class RedisScripts
{
    /// <summary>Keys: session, index, owner. Values: id, owner ttl, entry ttl, expiry, then the fields. Leaves an entry that is there already.</summary>
    public const string Record =
        """
        redis.call('SET', KEYS[3], '1', 'PX', ARGV[2])
        if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
        redis.call('HMSET', KEYS[1], unpack(ARGV, 5))
        redis.call('PEXPIRE', KEYS[1], ARGV[3])
        redis.call('ZADD', KEYS[2], ARGV[4], ARGV[1])
        redis.call('PEXPIRE', KEYS[2], ARGV[3])
        return 1
        """;

    /// <summary>Keys: session. Values: owner, epoch, sealed, parked. Leaves the time to live as it is.</summary>
    public const string Rewrite =
        """
        local held = redis.call('HMGET', KEYS[1], 'owner', 'epoch')
        if held[1] ~= ARGV[1] or held[2] ~= ARGV[2] then return 0 end
        redis.call('HMSET', KEYS[1], 'sealed', ARGV[3], 'parked', ARGV[4])
        return 1
        """;

    /// <summary>Keys: session, index. Values: owner, epoch, id.</summary>
    public const string Forget =
        """
        local held = redis.call('HMGET', KEYS[1], 'owner', 'epoch')
        if held[1] ~= ARGV[1] or held[2] ~= ARGV[2] then return 0 end
        redis.call('DEL', KEYS[1])
        redis.call('ZREM', KEYS[2], ARGV[3])
        return 1
        """;

    /// <summary>Keys: owner, index, then sessions. Values: owner, owner ttl, entry ttl, expiry, then id and epoch of each session. Returns id and loss of those not held.</summary>
    public const string Renew =
        """
        redis.call('SET', KEYS[1], '1', 'PX', ARGV[2])
        local lost = {}
        for i = 3, #KEYS do
          local id, epoch = ARGV[5 + (i - 3) * 2], ARGV[6 + (i - 3) * 2]
          local held = redis.call('HMGET', KEYS[i], 'owner', 'epoch')
          if held[1] == ARGV[1] and held[2] == epoch then
            redis.call('PEXPIRE', KEYS[i], ARGV[3])
            redis.call('ZADD', KEYS[2], ARGV[4], id)
          else
            lost[#lost + 1] = id
            lost[#lost + 1] = held[1] and 'Taken' or 'Gone'
          end
        end
        if #KEYS > 2 then redis.call('PEXPIRE', KEYS[2], ARGV[3]) end
        return lost
        """;

    /// <summary>Keys: index. Values: now, prefix of sessions, prefix of owners, upstream or empty. Returns the ids that can be claimed.</summary>
    public const string ListClaimable =
        """
        redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
        local found = {}
        for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
          local held = redis.call('HMGET', ARGV[2] .. id, 'owner', 'parked', 'upstream')
          if held[1] and (ARGV[4] == '' or held[3] == ARGV[4]) and (held[2] ~= '' or redis.call('EXISTS', ARGV[3] .. held[1]) == 0) then
            found[#found + 1] = id
          end
        end
        return found
        """;

    /// <summary>Keys: session, its owner as it was listed, the claimer. Values: owner, epoch, claimer, owner ttl. Returns what is sealed now, which the old owner may have changed since.</summary>
    public const string Claim =
        """
        local held = redis.call('HMGET', KEYS[1], 'owner', 'epoch', 'parked')
        if held[1] ~= ARGV[1] or held[2] ~= ARGV[2] then return false end
        if held[3] == '' and redis.call('EXISTS', KEYS[2]) == 1 then return false end
        redis.call('SET', KEYS[3], '1', 'PX', ARGV[4])
        redis.call('HMSET', KEYS[1], 'owner', ARGV[3], 'parked', '')
        redis.call('HINCRBY', KEYS[1], 'epoch', 1)
        return redis.call('HGET', KEYS[1], 'sealed')
        """;
}
