using System.Text;
using McpGateway.Endpoints.Subscriptions;
using McpGateway.Protocol;
using McpGateway.Upstreams;

namespace McpGateway.Endpoints;

/// <summary>
/// Tells clients that a list they may have read has changed: whoever uses the upstream's own endpoint, and whoever uses the
/// aggregate. Changes that come close together are told once, and a client that has not yet been told of one is not told of the
/// next beside it.
/// </summary>
internal sealed class ListChanges : IDisposable
{
    /// <summary>Several upstreams that come back after an outage do so within moments.</summary>
    private static readonly TimeSpan s_settle = TimeSpan.FromMilliseconds(100);

    private readonly Lock _lock = new();
    private readonly Dictionary<(string Upstream, McpMethod List), long> _changed = [];
    private readonly UpstreamRegistry _upstreams;
    private readonly ClientSessions _sessions;
    private readonly SubscriptionEndpoint _subscriptions;
    private readonly TimeProvider _time;
    private readonly ITimer _settling;

    public ListChanges(UpstreamRegistry upstreams, ClientSessions sessions, SubscriptionEndpoint subscriptions, TimeProvider time)
    {
        (_upstreams, _sessions, _subscriptions, _time) = (upstreams, sessions, subscriptions, time);
        // Created outside any request: what it does belongs to no trace.
        using (ExecutionContext.SuppressFlow()) _settling = time.CreateTimer(_ => Announce(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        upstreams.ListChanged += Note;
    }

    public void Dispose()
    {
        _upstreams.ListChanged -= Note;
        _settling.Dispose();
    }

    private void Note(string upstream, McpMethod list)
    {
        lock (_lock)
        {
            // The first of several starts the wait; a flood of changes, of one list too, does not put it off.
            var isFirst = _changed.Count == 0;
            _changed[(upstream, list)] = _time.GetTimestamp();
            if (isFirst) _settling.Change(s_settle, Timeout.InfiniteTimeSpan);
        }
    }

    private void Announce()
    {
        KeyValuePair<(string Upstream, McpMethod List), long>[] changed;
        lock (_lock)
        {
            changed = [.. _changed];
            _changed.Clear();
        }

        foreach (var list in changed.GroupBy(static one => one.Key.List)) Announce(list.Key, list.ToDictionary(static one => one.Key.Upstream, static one => one.Value, StringComparer.Ordinal));
    }

    private void Announce(McpMethod list, Dictionary<string, long> upstreams)
    {
        var method = McpMethodNames.OfListChange(list);
        var message = Encoding.UTF8.GetBytes($$"""{"jsonrpc":"2.0","method":"{{method}}"}""");
        var last = upstreams.Values.Max();
        foreach (var session in _sessions.Read())
        {
            var at = session.Scope is not { } scope ? last : upstreams.GetValueOrDefault(scope, long.MinValue);
            // Who came after the change has read no list from before it.
            if (session.IntroducedAt is { } known && known <= at) session.Streams.TrySend(message, once: method);
        }

        foreach (var subscription in _subscriptions.Open)
        {
            if (subscription.Wants(list) && (subscription.Scope is not { } scope || upstreams.ContainsKey(scope))) subscription.Tell(method);
        }
    }
}
