using System.Net.ServerSentEvents;
using McpGateway.Protocol;
using McpGateway.Sessions;

namespace McpGateway.Upstreams.Links;

/// <summary>
/// The GET stream of a Streamable HTTP session, on which the upstream says what belongs to no call. Reads until the link closes: a stream that
/// ends is opened again after the pause the upstream asked for, from the last event on, where the upstream numbers them.
/// </summary>
internal sealed class SessionStream : IAsyncDisposable
{
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromMinutes(1);

    private readonly Func<string, CancellationToken, Task<HttpResponseMessage?>> _open;
    private readonly Action<UpstreamMessage> _deliver;
    private readonly TimeProvider _time;
    private readonly TaskCompletionSource<bool> _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _reading;
    private string _lastId = "";
    private TimeSpan _retry = s_pause;

    /// <summary>Begins to read.</summary>
    /// <param name="open">Opens the stream after an event, or from now on; null when the upstream has none.</param>
    /// <param name="deliver">Takes each message.</param>
    /// <param name="time">For the pauses.</param>
    /// <param name="closing">Cancelled when the link closes.</param>
    public SessionStream(Func<string, CancellationToken, Task<HttpResponseMessage?>> open, Action<UpstreamMessage> deliver, TimeProvider time, CancellationToken closing)
    {
        (_open, _deliver, _time) = (open, deliver, time);
        using (ExecutionContext.SuppressFlow()) _reading = Task.Run(() => RunAsync(closing), CancellationToken.None);
    }

    /// <summary>True once the stream is open; false when the upstream has none, or the link closed first.</summary>
    public Task<bool> Opened => _opened.Task;

    public async ValueTask DisposeAsync() => await _reading;

    private async Task RunAsync(CancellationToken closing)
    {
        try
        {
            for (var failures = 0; ;)
            {
                try
                {
                    using var response = await _open(_lastId, closing);
                    if (response is null) return;
                    _opened.TrySetResult(true);
                    failures = await ReadAsync(response, closing) ? 0 : failures + 1;
                }
                catch (UpstreamException exception)
                {
                    failures++;
                    if (exception.RetryAfter is { } asked) _retry = asked < s_longestPause ? asked : s_longestPause;
                }

                await Task.Delay(Pause(failures), _time, closing);
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

    /// <summary>What the upstream asked for, and longer each time that nothing came.</summary>
    private TimeSpan Pause(int failures)
    {
        var pause = _retry * Math.Pow(2, Math.Min(failures, 6));
        return pause < s_longestPause ? pause : s_longestPause;
    }

    /// <summary>Reads one response to its end; true when anything came.</summary>
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
                any = true;
                if (item.Data.Length == 0 || item.EventType != "message") item.Data.Dispose();
                else Deliver(item.Data);
            }
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException or ObjectDisposedException)
        {
            // It broke; the next one goes on after the last event.
        }

        if (parser is null) return any;
        if (parser.LastEventId.Length > 0) _lastId = parser.LastEventId;
        if (parser.ReconnectionInterval >= TimeSpan.Zero) _retry = parser.ReconnectionInterval < s_longestPause ? parser.ReconnectionInterval : s_longestPause;
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
