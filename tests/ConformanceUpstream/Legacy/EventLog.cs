using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;

namespace ConformanceUpstream.Legacy;

/// <summary>
/// The messages of one stream to the client, kept so that a client that lost the stream reads on from where it was.
/// Invariant: <c>_gate</c> guards everything; an event's place never changes; nothing is appended once it is complete.
/// </summary>
internal sealed class EventLog
{
    private readonly Lock _gate = new();
    private readonly List<string> _events = [];
    private TaskCompletionSource _changed = NewSignal();
    private bool _complete;
    private bool _attached;
    private int _breaks;
    private int _delivered;

    /// <summary>How many events a reader has taken so far.</summary>
    public int Delivered
    {
        get
        {
            lock (_gate) return _delivered;
        }
    }

    /// <summary>Adds a message; nothing happens when the log is complete.</summary>
    public void Append(JsonObject message) => Change(() => _events.Add(message.ToJsonString()));

    /// <summary>No more will come: readers end after the last event.</summary>
    public void Complete() => Change(() => _complete = true);

    /// <summary>Readers of now end after the last event; the log goes on for those who come back.</summary>
    public void BreakOff() => Change(() => _breaks++);

    /// <summary>Takes the place of the only reader of a stream that may have one.</summary>
    public bool TryAttach()
    {
        lock (_gate) return !_attached && (_attached = true);
    }

    public void Detach()
    {
        lock (_gate) _attached = false;
    }

    /// <summary>The events after the first <paramref name="from"/>, as they come, each with its place counted from 1.</summary>
    /// <param name="from">How many the client has already.</param>
    /// <param name="comesBack">Whether the client reads on after a break; else a break of before ends its reading too.</param>
    /// <param name="cancellationToken">The client is gone.</param>
    public async IAsyncEnumerable<(int Place, string Data)> ReadAsync(int from, bool comesBack, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var breaks = 0;
        lock (_gate)
        {
            if (comesBack) breaks = _breaks;
        }

        for (var next = from; ;)
        {
            string? data = null;
            Task changed;
            lock (_gate)
            {
                changed = _changed.Task;
                if (next < _events.Count)
                {
                    data = _events[next++];
                    _delivered = Math.Max(_delivered, next);
                }
                else if (_complete || _breaks > breaks)
                {
                    yield break;
                }
            }

            if (data is not null) yield return (next, data);
            else await changed.WaitAsync(cancellationToken);
        }
    }

    private void Change(Action change)
    {
        TaskCompletionSource changed;
        lock (_gate)
        {
            if (_complete) return;
            change();
            changed = _changed;
            _changed = NewSignal();
        }

        changed.SetResult();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
