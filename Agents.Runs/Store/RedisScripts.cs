namespace Agents.Runs;

/// <summary>
/// What Redis does in one piece. Each script changes keys of one slot: either those of one run, or those that concern all runs. A run's record
/// is the truth; what concerns all runs is a hint that is written before or after it, and mended when a crash came between.
/// </summary>
internal static class RedisScripts
{
    /// <summary>Keys: schema. Values: our version. Brings an older version up to ours; returns the version that is there then.</summary>
    public const string Schema =
        """
        local found = redis.call('GET', KEYS[1])
        if not found or tonumber(found) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1]) end
        return redis.call('GET', KEYS[1])
        """;

    /// <summary>Keys: run, events. Values: channel, id, first event, then the fields. Leaves a run that is there already: it is this one, stored by a try whose answer was lost.</summary>
    public const string Create =
        """
        if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
        redis.call('HSET', KEYS[1], unpack(ARGV, 4))
        redis.call('RPUSH', KEYS[2], ARGV[3])
        redis.call('PUBLISH', ARGV[1], ARGV[2])
        return 1
        """;

    /// <summary>
    /// Everything that is written to a run after its creation, all or none. Keys: run, work, events, calls, writes. Values: writer, turn, attempt
    /// or empty, revision or empty, 1 to raise the revision, channel, id, milliseconds to live or empty; then four lists, each led by its length:
    /// fields of the run, fields of the work (an empty value removes), ends of calls by number, events. Returns the sequence of the last event,
    /// or <see cref="Lost"/>, <see cref="Conflict"/>, <see cref="NoCall"/> with nothing written.
    /// </summary>
    public const string Write =
        """
        local run = redis.call('HMGET', KEYS[1], 'state', 'attempt', 'revision')
        if not run[1] then return -1 end
        local heard = redis.call('HGET', KEYS[5], ARGV[1])
        if heard then
          local turn, answer = string.match(heard, '^(%d+):(%d+)$')
          if tonumber(turn) >= tonumber(ARGV[2]) then return tonumber(answer) end
        end
        if ARGV[3] ~= '' and (run[2] ~= ARGV[3] or run[1] ~= 'running') then return -1 end
        if ARGV[4] ~= '' and run[3] ~= ARGV[4] then return -2 end

        local at = 9
        local function list()
          local from, count = at + 1, tonumber(ARGV[at])
          at = from + count
          return from, at - 1
        end
        local runFrom, runTo = list()
        local workFrom, workTo = list()
        local callFrom, callTo = list()
        local eventFrom, eventTo = list()

        for i = callFrom, callTo, 2 do
          if redis.call('HEXISTS', KEYS[4], ARGV[i]) == 0 or redis.call('HEXISTS', KEYS[4], ARGV[i] .. ':end') == 1 then return -3 end
        end
        for i = callFrom, callTo, 2 do redis.call('HSET', KEYS[4], ARGV[i] .. ':end', ARGV[i + 1]) end
        if runTo >= runFrom then redis.call('HSET', KEYS[1], unpack(ARGV, runFrom, runTo)) end
        if ARGV[5] == '1' then redis.call('HINCRBY', KEYS[1], 'revision', 1) end
        for i = workFrom, workTo, 2 do
          if ARGV[i + 1] == '' then redis.call('HDEL', KEYS[2], ARGV[i]) else redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
        end
        local last
        for i = eventFrom, eventTo do last = redis.call('RPUSH', KEYS[3], ARGV[i]) end
        last = last or redis.call('LLEN', KEYS[3])
        redis.call('HSET', KEYS[5], ARGV[1], ARGV[2] .. ':' .. last)
        if ARGV[8] ~= '' then
          for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ARGV[8]) end
        end
        redis.call('PUBLISH', ARGV[6], ARGV[7])
        return last
        """;

    /// <summary>Keys: run, events, calls, writes. Values: writer, turn, attempt, channel, id, call, event up to the number, event behind it. Returns the number, or <see cref="Lost"/>.</summary>
    public const string BeginCall =
        """
        local run = redis.call('HMGET', KEYS[1], 'state', 'attempt')
        if not run[1] then return -1 end
        local heard = redis.call('HGET', KEYS[4], ARGV[1])
        if heard then
          local turn, answer = string.match(heard, '^(%d+):(%d+)$')
          if tonumber(turn) >= tonumber(ARGV[2]) then return tonumber(answer) end
        end
        if run[2] ~= ARGV[3] or run[1] ~= 'running' then return -1 end
        local number = redis.call('HINCRBY', KEYS[1], 'calls', 1)
        redis.call('HSET', KEYS[3], number, ARGV[6])
        redis.call('RPUSH', KEYS[2], ARGV[7] .. number .. ARGV[8])
        redis.call('HSET', KEYS[4], ARGV[1], ARGV[2] .. ':' .. number)
        redis.call('PUBLISH', ARGV[4], ARGV[5])
        return number
        """;

    /// <summary>Keys: the run's, the record first. Values: channel, id, the words of final states. Returns 1 when it was deleted, 0 when there is none, -1 when it has not ended.</summary>
    public const string Delete =
        """
        local state = redis.call('HGET', KEYS[1], 'state')
        if not state then return 0 end
        for i = 3, #ARGV do
          if state == ARGV[i] then
            redis.call('DEL', unpack(KEYS))
            redis.call('PUBLISH', ARGV[1], ARGV[2])
            return 1
          end
        end
        return -1
        """;

    /// <summary>Keys: submission. Values: fingerprint and run, milliseconds to live. Returns what the key stands for: this, or what came first.</summary>
    public const string Submit =
        """
        redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2])
        return redis.call('GET', KEYS[1])
        """;

    /// <summary>Keys: ordinal, all, open, new, and the conversation's if there is one. Values: id, now, milliseconds a conversation lives. Returns the run's place, the same at every try.</summary>
    public const string Register =
        """
        local place = redis.call('ZSCORE', KEYS[2], ARGV[1])
        if place then return place end
        place = redis.call('INCR', KEYS[1])
        redis.call('ZADD', KEYS[2], place, ARGV[1])
        redis.call('ZADD', KEYS[3], place, ARGV[1])
        redis.call('ZADD', KEYS[4], ARGV[2], ARGV[1])
        if KEYS[5] then
          redis.call('ZADD', KEYS[5], place, ARGV[1])
          redis.call('ZREMRANGEBYRANK', KEYS[5], 0, -1001)
          redis.call('PEXPIRE', KEYS[5], ARGV[3])
        end
        return place
        """;

    /// <summary>
    /// Keys: entries, new, queue, again. Values: id, 1 for queue or 2 for again, 1 to take the place of an entry that is there, channel, topic.
    /// A transition to queued replaces: the old entry may belong to a worker that is about to drop it. Mending does not.
    /// </summary>
    public const string Enqueue =
        """
        redis.call('ZREM', KEYS[2], ARGV[1])
        local held = redis.call('HGET', KEYS[1], ARGV[1])
        if held then
          local stream, entry = KEYS[2 + tonumber(string.sub(held, 1, 1))], string.sub(held, 3)
          if ARGV[3] == '0' and #redis.call('XRANGE', stream, entry, entry) == 1 then return 0 end
          if redis.call('EXISTS', stream) == 1 then redis.call('XACK', stream, 'workers', entry) end
          redis.call('XDEL', stream, entry)
        end
        local stream = KEYS[2 + tonumber(ARGV[2])]
        if redis.call('EXISTS', stream) == 0 then redis.call('XGROUP', 'CREATE', stream, 'workers', '0', 'MKSTREAM') end
        redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ':' .. redis.call('XADD', stream, '*', 'run', ARGV[1]))
        redis.call('PUBLISH', ARGV[4], ARGV[5])
        return 1
        """;

    /// <summary>
    /// Keys: again, queue. Values: worker, milliseconds after which a hint that another worker took and did not drop is taken over.
    /// Returns stream (1 queue, 2 again), entry and run; or nothing.
    /// </summary>
    public const string Take =
        """
        for i, stream in ipairs(KEYS) do
          if redis.call('EXISTS', stream) == 1 then
            local left = redis.call('XAUTOCLAIM', stream, 'workers', ARGV[1], ARGV[2], '0-0', 'COUNT', 1)
            if #left[2] > 0 then return {3 - i, left[2][1][1], left[2][1][2][2]} end
            local read = redis.call('XREADGROUP', 'GROUP', 'workers', ARGV[1], 'COUNT', 1, 'STREAMS', stream, '>')
            if read then return {3 - i, read[1][2][1][1], read[1][2][1][2][2]} end
          end
        end
        return false
        """;

    /// <summary>Keys: entries, the stream. Values: id, stream (1 or 2), entry. The hint has been followed.</summary>
    public const string Drop =
        """
        redis.call('XACK', KEYS[2], 'workers', ARGV[3])
        redis.call('XDEL', KEYS[2], ARGV[3])
        if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] .. ':' .. ARGV[3] then redis.call('HDEL', KEYS[1], ARGV[1]) end
        return 1
        """;

    /// <summary>
    /// Keys: messages to clients, told. Values: message, now, run, the message's number. A message is owed once: one whose number is not above the
    /// last of its run was put in before, and may have been delivered since.
    /// </summary>
    public const string Owe =
        """
        if tonumber(redis.call('HGET', KEYS[2], ARGV[3]) or '0') >= tonumber(ARGV[4]) then return 0 end
        redis.call('HSET', KEYS[2], ARGV[3], ARGV[4])
        return redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
        """;

    /// <summary>Keys: entries, queue, again, all, open, new, ended, in:state, told. Values: id, time of the end. The run ended.</summary>
    public const string Settle = TakeBack +
        """

        local place = redis.call('ZSCORE', KEYS[4], ARGV[1])
        redis.call('ZREM', KEYS[5], ARGV[1])
        redis.call('ZREM', KEYS[6], ARGV[1])
        if place then
          redis.call('ZADD', KEYS[7], ARGV[2], ARGV[1])
          redis.call('ZADD', KEYS[8], place, ARGV[1])
        end
        redis.call('HDEL', KEYS[9], ARGV[1])
        return 1
        """;

    /// <summary>Keys: entries, queue, again, told, then every sorted set that may hold the run. Values: id. The run is gone.</summary>
    public const string Forget = TakeBack +
        """

        redis.call('HDEL', KEYS[4], ARGV[1])
        for i = 5, #KEYS do redis.call('ZREM', KEYS[i], ARGV[1]) end
        return 1
        """;

    /// <summary>Keys: queue, again. Values: milliseconds. Forgets the workers that hold no hint and have not asked for so long; their names come with each process anew.</summary>
    public const string ForgetWorkers =
        """
        local gone = 0
        for _, stream in ipairs(KEYS) do
          if redis.call('EXISTS', stream) == 1 then
            for _, found in ipairs(redis.call('XINFO', 'CONSUMERS', stream, 'workers')) do
              local worker = {}
              for i = 1, #found, 2 do worker[found[i]] = found[i + 1] end
              if worker.pending == 0 and worker.idle > tonumber(ARGV[1]) then
                redis.call('XGROUP', 'DELCONSUMER', stream, 'workers', worker.name)
                gone = gone + 1
              end
            end
          end
        end
        return gone
        """;

    // Takes the run's hint out of its stream. Keys: entries, queue, again …; values: id ….
    private const string TakeBack =
        """
        local held = redis.call('HGET', KEYS[1], ARGV[1])
        if held then
          local stream, entry = KEYS[1 + tonumber(string.sub(held, 1, 1))], string.sub(held, 3)
          if redis.call('EXISTS', stream) == 1 then redis.call('XACK', stream, 'workers', entry) end
          redis.call('XDEL', stream, entry)
          redis.call('HDEL', KEYS[1], ARGV[1])
        end
        """;

    /// <summary>The lease no longer holds, or the run is gone.</summary>
    public const long Lost = -1;

    /// <summary>The run changed since it was read.</summary>
    public const long Conflict = -2;

    /// <summary>A tool call that is to end is not under way.</summary>
    public const long NoCall = -3;
}
