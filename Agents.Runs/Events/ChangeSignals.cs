using System.Threading.Channels;

namespace Agents.Runs;

/// <summary>
/// Wakes those who wait for a run to change. A subscription holds at most one wake-up that was not consumed yet, so a change
/// that falls between a subscriber's look and its wait is never lost, and a hundred changes cost it one look.
/// </summary>
internal sealed class ChangeSignals
{
    /// <summary>The topic that is raised when a run became queued; all other topics are ids of runs.</summary>
    public const string Queue = "queue";

    private readonly Lock _lock = new();
    private readonly Dictionary<string, HashSet<Subscription>> _topics = [];

    /// <summary>From now on <paramref name="topic"/>'s changes wake the subscriber; dispose it to stop.</summary>
    public Subscription Subscribe(string topic)
    {
        var subscription = new Subscription(this, topic);
        lock (_lock)
        {
            if (!_topics.TryGetValue(topic, out var subscribers))
                _topics[topic] = subscribers = [];
            subscribers.Add(subscription);
        }

        return subscription;
    }

    /// <summary>Wakes every subscriber of <paramref name="topic"/>.</summary>
    public void Raise(string topic)
    {
        lock (_lock)
        {
            if (!_topics.TryGetValue(topic, out var subscribers))
                return;
            foreach (var subscription in subscribers)
                subscription.Wake();
        }
    }

    /// <summary>Wakes every subscriber: something may have changed that nobody told of.</summary>
    public void RaiseAll()
    {
        lock (_lock)
        {
            foreach (var subscription in _topics.Values.SelectMany(subscribers => subscribers))
                subscription.Wake();
        }
    }

    private void Remove(Subscription subscription)
    {
        lock (_lock)
        {
            if (_topics.TryGetValue(subscription.Topic, out var subscribers) && subscribers.Remove(subscription) && subscribers.Count == 0)
                _topics.Remove(subscription.Topic);
        }
    }

    internal sealed class Subscription(ChangeSignals signals, string topic) : IDisposable
    {
        private readonly Channel<bool> _wakeUps = Channel.CreateBounded<bool>(
            new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

        public string Topic => topic;

        public void Wake() => _wakeUps.Writer.TryWrite(true);

        /// <summary>Waits for a change since the last call.</summary>
        public async Task WaitAsync(CancellationToken cancellationToken) =>
            await _wakeUps.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);

        public void Dispose() => signals.Remove(this);
    }
}
