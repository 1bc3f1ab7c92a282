using McpGateway.Sessions.Ledger;

namespace McpGateway.Endpoints.Replicas;

/// <summary>
/// Inboxes as Redis keeps them: a list per gateway, which lives as long as its messages may wait, and a channel that says that it is
/// not empty. A message gets in once, whoever posts it again, and comes out once, with the script that reads it.
/// </summary>
internal static class ReplicaScripts
{
    public const string Client = RedisStore.Prefix + "client:";

    /// <summary>Set of the gateways that have a session in memory; as long-lived as the session.</summary>
    public const string Holders = RedisStore.Prefix + "holders:";

    /// <summary>The gateway that a session's client listens at; as long-lived as the session.</summary>
    public const string Listener = RedisStore.Prefix + "listener:";

    public const string Wake = RedisStore.Prefix + "wake:";

    /// <summary>Messages that an inbox holds at most: one that is full belongs to a gateway that does not keep up.</summary>
    private const string Bound = "1000";

    /// <summary>Milliseconds that a message waits at most, and for which the id of one is known.</summary>
    private const string Waits = "60000";

    /// <summary>Returns 1 when the message is in the inbox or was before, 0 when nobody lives there, -1 when it is full.</summary>
    private const string Deliver =
        $$"""
        local function deliver(replica, id, message)
          if redis.call('EXISTS', '{{RedisStore.Prefix}}owner:' .. replica) == 0 then return 0 end
          local inbox = '{{RedisStore.Prefix}}inbox:' .. replica
          if redis.call('LLEN', inbox) >= {{Bound}} then return -1 end
          if not redis.call('SET', '{{RedisStore.Prefix}}posted:' .. id .. ':' .. replica, '1', 'PX', {{Waits}}, 'NX') then return 1 end
          redis.call('RPUSH', inbox, message)
          redis.call('PEXPIRE', inbox, {{Waits}})
          redis.call('PUBLISH', '{{Wake}}' .. replica, '')
          return 1
        end

        """;

    /// <summary>To the holders but this one; dead ones are forgotten.</summary>
    private const string DeliverToHolders =
        """
        for _, replica in ipairs(redis.call('SMEMBERS', KEYS[1])) do
          if replica ~= ARGV[1] and deliver(replica, ARGV[2], ARGV[3]) == 0 then redis.call('SREM', KEYS[1], replica) end
        end

        """;

    /// <summary>Values: replica, message id, message.</summary>
    public const string Post = Deliver + "return deliver(ARGV[1], ARGV[2], ARGV[3])";

    /// <summary>Keys: holders. Values: this gateway, message id, message.</summary>
    public const string Spread = Deliver + DeliverToHolders + "return 1";

    /// <summary>Keys: listener, session. Values: this gateway.</summary>
    public const string Listen =
        """
        local left = redis.call('PTTL', KEYS[2])
        if left <= 0 then return 0 end
        redis.call('SET', KEYS[1], ARGV[1], 'PX', left)
        return 1
        """;

    /// <summary>Keys: listener. Values: this gateway, message id, message.</summary>
    public const string SendToListener = Deliver +
        """
        local replica = redis.call('GET', KEYS[1])
        if not replica or replica == ARGV[1] then return 0 end
        return deliver(replica, ARGV[2], ARGV[3])
        """;

    /// <summary>Ends a session. Keys: holders, session, listener. Values: this gateway, message id, message that says so. Whoever reads the session later does not find it, whoever has read it is told.</summary>
    public const string End = Deliver + "redis.call('DEL', KEYS[2])\n" + DeliverToHolders + "return redis.call('DEL', KEYS[1], KEYS[3])";

    /// <summary>Keys: holders, session. Values: this gateway, session, time to live.</summary>
    public const string Save =
        """
        redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
        redis.call('SADD', KEYS[1], ARGV[1])
        return redis.call('PEXPIRE', KEYS[1], ARGV[3])
        """;

    /// <summary>Reads a session, and notes in the same step that this gateway has it. Keys: holders, session. Values: this gateway.</summary>
    public const string Find =
        """
        local found = redis.call('GET', KEYS[2])
        if not found then return false end
        redis.call('SADD', KEYS[1], ARGV[1])
        redis.call('PEXPIRE', KEYS[1], redis.call('PTTL', KEYS[2]))
        return found
        """;

    /// <summary>Keys: inbox. Takes out what is there, a hundred at most.</summary>
    public const string Claim =
        """
        local waiting = redis.call('LRANGE', KEYS[1], 0, 99)
        redis.call('LTRIM', KEYS[1], 100, -1)
        return waiting
        """;
}
