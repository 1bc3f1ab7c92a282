namespace McpGateway.Sessions;

/// <summary>
/// A caller's hold on a session. Disposing gives it back; disposing again, or a copy of it later, does nothing.
/// </summary>
internal readonly struct SessionLease : IAsyncDisposable
{
    private readonly UpstreamSessions _owner;
    private readonly LeaseSlot _slot;
    private readonly long _version;

    public SessionLease(UpstreamSessions owner, LeaseSlot slot)
    {
        (_owner, _slot, _version) = (owner, slot, slot.Version);
    }

    public UpstreamSession Session => _slot.Session;

    /// <summary>Says that the session has failed: it will be closed, not reused. Once given back it is others' to judge, and nothing happens.</summary>
    public void Break(CloseReason reason)
    {
        if (_slot.Version == _version) Session.Break(reason);
    }

    /// <summary>Has the keeper, who names forgotten leases, count from another time than the lease's.</summary>
    /// <param name="timestamp">Timestamp; later than now where a client is waited for.</param>
    public void CountFrom(long timestamp) => _slot.CountFrom(_version, timestamp);

    public ValueTask DisposeAsync()
    {
        if (_slot is null || !_slot.TryEnd(_version, out var since)) return ValueTask.CompletedTask;
        if (since != LeaseSlot.Untimed) _owner.Meter.Used(since);
        var session = _slot.Session;
        session.ReturnSlot(_slot);
        return _owner.ReturnAsync(session);
    }
}
