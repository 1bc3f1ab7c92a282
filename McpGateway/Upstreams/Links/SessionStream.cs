using System.Net.ServerSentEvents;
using McpGateway.Protocol;
using McpGateway.Sessions;

namespace McpGateway.Upstreams.Links;

/// <summary>
/// The stream on which a Streamable HTTP upstream says what belongs to no call: a session's GET stream, or a <c>subscriptions/listen</c>.
/// Reads until the link closes: a stream that ends is opened again after the pause the upstream asked for, from the last event on, where the
/// upstream numbers them. One that ends at once, or is refused, is opened after longer and longer pauses.
/// </summary>
internal sealed class SessionStream : IAsyncDisposable
{
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_shortestPause = TimeSpan.FromMilliseconds(50);

    /// <summary>An upstream that ends its streams and says when to come back (SEP-1699) is asked at least this often.</summary>
    private static readonly TimeSpan s_longestPoll = TimeSpan.FromSeconds(5);

    /// <summary>A stream that lasted so long has not ended at once.</summary>
    private static readonly TimeSpan s_lasting = TimeSpan.FromSeconds(5);

    private readonly Func<string, CancellationToken, Task<HttpResponseMessage?>> _open;
    private readonly Action<UpstreamMessage> _deliver;
    private readonly Action _reopened;
    private readonly TimeProvider _time;
    private readonly TaskCompletionSource<bool> _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _reading;
    private string _lastId = "";
    private TimeSpan _retry = s_pause;
    private bool _isPolled;
    private TaskCompletionSource? _answered;

    /// <summary>Begins to read.</summary>
    /// <param name="open">Opens the stream after an event, or from now on; null when the upstream has none.</param>
    /// <param name="deliver">Takes each message.</param>
    /// <param name="reopened">Called when it is open again and what was said in between is lost.</param>
    /// <param name="time">For the pauses.</param>
    /// <param name="closing">Cancelled when the link closes.</param>
    public SessionStream(Func<string, CancellationToken, Task<HttpResponseMessage?>> open, Action<UpstreamMessage> deliver, Action reopened, TimeProvider time, CancellationToken closing)
    {
        (_open, _deliver, _reopened, _time) = (open, deliver, reopened, time);
        using (ExecutionContext.SuppressFlow()) _reading = Task.Run(() => RunAsync(closing), CancellationToken.None);
    }

    /// <summary>True once the stream is open; false when the upstream has none, or the link closed first.</summary>
    public Task<bool> Opened => _opened.Task;

    /// <summary>The upstream has answered something: where it could not be reached, it is asked at once and not after the pause.</summary>
    public void NoteAnswer() => Volatile.Read(ref _answered)?.TrySetResult();

    public async ValueTask DisposeAsync() => await _reading;

    private async Task RunAsync(CancellationToken closing)
    {
        try
        {
            for (var failures = 0; ;)
            {
                var isAway = false;
                try
                {
                    using var response = await _open(_lastId, closing);
                    if (response is null && !_opened.Task.IsCompleted) return;
                    failures = response is not null && await ReadOpenedAsync(response, closing) ? 0 : failures + 1;
                }
                catch (UpstreamException exception)
                {
                    failures++;
                    isAway = exception.Kind is FailureKind.Unreachable or FailureKind.OutcomeUnknown;
                    if (exception.RetryAfter is { } asked) _retry = asked < s_longestPause ? asked : s_longestPause;
                }

                if (isAway) await WaitAnsweredAsync(Pause(failures), closing);
                else await Task.Delay(Pause(failures), _time, closing);
            }
        }
        catch (OperationCanceledException) when (closing.IsCancellationRequested)
        {
            // The link closes, and with it the session that this was the stream of.
        }
        finally
        {
            _opened.TrySetResult(false);
        }
    }

    /// <summary>What the upstream asked for, and longer each time that nothing came; never the same for all who lost it at once.</summary>
    private TimeSpan Pause(int failures)
    {
        var pause = (_retry > s_shortestPause ? _retry : s_shortestPause) * Math.Pow(2, Math.Min(failures, 10));
        var longest = !_isPolled ? s_longestPause : _retry > s_longestPoll ? _retry : s_longestPoll;
        return (pause < longest ? pause : longest) * (1 + (0.25 * Random.Shared.NextDouble()));
    }

    private async Task WaitAnsweredAsync(TimeSpan most, CancellationToken closing)
    {
        var answered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Volatile.Write(ref _answered, answered);
        await answered.Task.WaitAsync(most, _time, closing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        closing.ThrowIfCancellationRequested();
    }

    /// <summary>True for a stream that was worth opening.</summary>
    private async Task<bool> ReadOpenedAsync(HttpResponseMessage response, CancellationToken closing)
    {
        var began = _time.GetTimestamp();
        if (!_opened.TrySetResult(true) && _lastId.Length == 0) _reopened();
        return await ReadAsync(response, closing) || _time.GetElapsedTime(began) >= s_lasting;
    }

    /// <summary>Reads one response to its end; true when a message came.</summary>
    private async Task<bool> ReadAsync(HttpResponseMessage response, CancellationToken closing)
    {
        var any = false;
        SseParser<MessageBuffer>? parser = null;
        try
        {
            await using var stream = await response.Content.ReadAsStreamAsync(closing);
            parser = SseParser.Create(stream, static (_, data) => MessageBuffer.CopyOf(data));
            await foreach (var item in parser.EnumerateAsync(closing))
            {
                var isMessage = item.Data.Length > 0 && item.EventType == "message";
                any |= isMessage;
                if (isMessage) Deliver(item.Data);
                else item.Data.Dispose();
            }
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException or ObjectDisposedException)
        {
            // It broke; the next one goes on after the last event.
        }

        if (parser is null) return any;
        if (parser.LastEventId.Length > 0) _lastId = parser.LastEventId;
        _isPolled = parser.ReconnectionInterval >= TimeSpan.Zero;
        if (_isPolled) _retry = parser.ReconnectionInterval < s_longestPause ? parser.ReconnectionInterval : s_longestPause;
        return any;
    }

    private void Deliver(MessageBuffer buffer)
    {
        try
        {
            _deliver(UpstreamMessage.Scan(buffer));
        }
        catch (MessageRefusedException)
        {
            // No message; the scan has given its bytes back.
        }
    }
}
