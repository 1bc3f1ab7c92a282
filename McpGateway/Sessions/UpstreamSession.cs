using System.Diagnostics;
using McpGateway.Sessions.Ledger;
using McpGateway.Upstreams.Links;

namespace McpGateway.Sessions;

/// <summary>
/// One live, verified session with an upstream. State, lease count, and how many of the leases are parked share one word that only
/// compare-and-set changes, so that "is it free" and "take it" cannot be pulled apart: at most one of the callers and the keeper wins
/// an idle session. One that lives and is leased is parked if all its leases are, and else leased.
/// </summary>
internal sealed class UpstreamSession(long number, UpstreamLink link, ServerProfile server, long now)
{
    private const int StateBits = 3;
    private const int StateMask = (1 << StateBits) - 1;
    private const int CountBits = 28;
    private const int CountMask = (1 << CountBits) - 1;

    private readonly Lock _slots = new();

    /// <summary>Slots beyond <see cref="_own"/>, all of them and those that are free; under the lock.</summary>
    private readonly List<LeaseSlot> _more = [];

    private LeaseSlot? _own;
    private LeaseSlot? _spare;
    private long _word = (long)SessionState.Idle;
    private long _lastUsed = now;
    private long _pinged = now;
    private string? _breakReason;
    private string? _closeCode;

    /// <summary>Counts the sessions of one gateway; for people and logs.</summary>
    public long Number { get; } = number;

    public UpstreamLink Link { get; } = link;

    /// <summary>What the upstream said of itself in the handshake.</summary>
    public ServerProfile Server { get; } = server;

    /// <summary>What it was opened as.</summary>
    public SessionProfile Profile { get; init; } = SessionProfile.Default;

    /// <summary>Its entry in the ledger; null for a session that cannot be resumed.</summary>
    public SessionRecord? Record { get; init; }

    /// <summary>What lets it be the only session of its upstream; null where there may be more.</summary>
    public SessionPermit? Permit { get; set; }

    /// <summary>Timestamp of the opening.</summary>
    public long OpenedAt { get; } = now;

    /// <summary>Timestamp of the last return.</summary>
    public long LastUsedAt => Volatile.Read(ref _lastUsed);

    /// <summary>Timestamp at which it was last seen to live: a return or an answered ping.</summary>
    public long VerifiedAt => Math.Max(LastUsedAt, Volatile.Read(ref _pinged));

    /// <summary>Pause after which it is pinged; set once, with jitter.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.MaxValue;

    /// <summary>Age at which it is replaced; set once by the pool, with jitter.</summary>
    public TimeSpan Lifetime { get; init; }

    /// <summary>Whom this session belongs to for life; null while it may serve the next caller.</summary>
    public SessionKey? PinnedTo { get; set; }

    /// <summary>The first principal it served, and so the only one; null while it is unused. Written by the holder of its only lease.</summary>
    public string? Principal { get; set; }

    public SessionState State => StateOf(Volatile.Read(ref _word));

    /// <summary>False once it serves nobody any more.</summary>
    public bool IsLive => State is not (SessionState.Broken or SessionState.Closed) && Link.BrokenReason is null;

    public int Leases => LeasesOf(Volatile.Read(ref _word));

    public string? BreakReason => Volatile.Read(ref _breakReason);

    /// <summary>The code of <see cref="BreakReason"/>.</summary>
    public string? CloseCode => Volatile.Read(ref _closeCode);

    /// <summary>Calls it has served while nobody kept it for himself. Written by the holder of its only lease.</summary>
    public int Uses { get; set; }

    /// <summary>The pool's generation it was opened in; a session of an earlier one is closed instead of reused.</summary>
    public int Generation { get; set; }

    /// <summary>
    /// Takes note of a message that was for nobody. Left over from a caller, it could meet the next one: a session that has served one and
    /// may serve another is closed. An unused session has nothing left over.
    /// </summary>
    public void NoteStray(string method)
    {
        if (Principal is not null && PinnedTo is null) Break(CloseReason.Stray(method));
    }

    /// <summary>Takes an idle session for one caller alone.</summary>
    public bool TryLease() => Change(SessionState.Idle, 0, SessionState.Leased, 1);

    /// <summary>Joins a session that its callers share; false when it is broken, closed or with the keeper.</summary>
    public bool TryShare()
    {
        while (true)
        {
            var word = Volatile.Read(ref _word);
            if (StateOf(word) is not (SessionState.Idle or SessionState.Leased or SessionState.Parked)) return false;
            if (Interlocked.CompareExchange(ref _word, Word(SessionState.Leased, LeasesOf(word) + 1, ParkedOf(word)), word) == word) return true;
        }
    }

    /// <summary>Gives one lease back and says what the session is then.</summary>
    public SessionState Release(long at)
    {
        Volatile.Write(ref _lastUsed, at);
        return Count(leases: -1, parked: 0);
    }

    /// <summary>Notes that the call of one lease waits for its client's input. The lease is held on, and <see cref="Unpark"/> comes before its return.</summary>
    public void Park() => Count(leases: 0, parked: 1);

    /// <summary>Notes that such a call goes on, or ends.</summary>
    public void Unpark() => Count(leases: 0, parked: -1);

    /// <summary>Notes that it has answered a ping.</summary>
    public void Verify(long at) => Volatile.Write(ref _pinged, at);

    /// <summary>Takes an idle session out for the keeper.</summary>
    public bool TryReserve() => Change(SessionState.Idle, 0, SessionState.Reserved, 0);

    /// <summary>Puts a reserved session back.</summary>
    public bool TryUnreserve() => Change(SessionState.Reserved, 0, SessionState.Idle, 0);

    /// <summary>Marks the session failed, from any state; the first reason stays. True for the call that did it.</summary>
    public bool Break(CloseReason reason)
    {
        while (true)
        {
            var word = Volatile.Read(ref _word);
            if (StateOf(word) is SessionState.Broken or SessionState.Closed) return false;
            if (Interlocked.CompareExchange(ref _word, Word(SessionState.Broken, LeasesOf(word), ParkedOf(word)), word) != word) continue;
            Interlocked.CompareExchange(ref _closeCode, reason.Code, null);
            Interlocked.CompareExchange(ref _breakReason, reason.Text, null);
            return true;
        }
    }

    /// <summary>Moves a broken session that nobody holds to its end; true for the one caller that closes the link.</summary>
    public bool TryClose() => Change(SessionState.Broken, 0, SessionState.Closed, 0);

    /// <summary>Ends the session at the upstream, unless its link is left, and then its entry: an entry without session does no harm, a session without entry stays for ever. Only then may another gateway have one.</summary>
    public async Task CloseAsync()
    {
        await Link.DisposeAsync();
        if (Record is not null) await Record.ForgetAsync();
        if (Permit is not null) await Permit.DisposeAsync();
    }

    /// <summary>A slot for one lease: the session's own when it is free, so that the usual lease takes no lock and allocates nothing.</summary>
    /// <param name="caller">Who gets it, for the one who asks why it is not returned.</param>
    /// <param name="since">Timestamp of the lease; none where nobody will ask.</param>
    public LeaseSlot RentSlot(string? caller = null, long since = LeaseSlot.Untimed)
    {
        var own = _own ?? MakeOwn();
        return own.TryHold(caller, since) ? own : RentMore(caller, since);
    }

    /// <summary>Takes a slot back whose lease has ended.</summary>
    public void ReturnSlot(LeaseSlot slot)
    {
        if (ReferenceEquals(slot, _own)) return;
        lock (_slots)
        {
            slot.Next = _spare;
            _spare = slot;
        }
    }

    /// <summary>Those who have held a lease since before <paramref name="before"/>, each named once.</summary>
    public IReadOnlyList<LeaseHolder> LongHolders(long before)
    {
        if (Leases == 0 || _own is not { } own) return [];
        lock (_slots) return [.. _more.Prepend(own).Select(slot => slot.NameOnce(before)).OfType<LeaseHolder>()];
    }

    private LeaseSlot MakeOwn() => Interlocked.CompareExchange(ref _own, new LeaseSlot(this), null) ?? _own;

    private LeaseSlot RentMore(string? caller, long since)
    {
        LeaseSlot? slot;
        lock (_slots)
        {
            slot = _spare;
            if (slot is null) _more.Add(slot = new LeaseSlot(this));
            else _spare = slot.Next;
            slot.Next = null;
        }

        var held = slot.TryHold(caller, since);
        Debug.Assert(held, "A free slot was held.");
        return slot;
    }

    private static SessionState StateOf(long word) => (SessionState)(word & StateMask);

    private static int LeasesOf(long word) => (int)(word >> StateBits) & CountMask;

    private static int ParkedOf(long word) => (int)(word >> (StateBits + CountBits));

    private static long Word(SessionState state, int leases, int parked) => ((long)parked << (StateBits + CountBits)) | ((long)leases << StateBits) | (long)state;

    private bool Change(SessionState from, int leases, SessionState to, int nextLeases)
    {
        var expected = Word(from, leases, 0);
        return Interlocked.CompareExchange(ref _word, Word(to, nextLeases, 0), expected) == expected;
    }

    /// <summary>Counts leases on or off, and says what the session is then; one that has failed stays so.</summary>
    private SessionState Count(int leases, int parked)
    {
        while (true)
        {
            var word = Volatile.Read(ref _word);
            var (nowLeased, nowParked) = (LeasesOf(word) + leases, ParkedOf(word) + parked);
            Debug.Assert(nowLeased >= nowParked && nowParked >= 0, "A lease was returned, or went on, twice.");
            var state = StateOf(word);
            if (state is SessionState.Leased or SessionState.Parked) state = nowLeased == 0 ? SessionState.Idle : nowLeased == nowParked ? SessionState.Parked : SessionState.Leased;
            if (Interlocked.CompareExchange(ref _word, Word(state, nowLeased, nowParked), word) == word) return state;
        }
    }
}
