using System.Globalization;
using System.Text.Json;
using Agents.Runs;
using Microsoft.AspNetCore.Http.Features;

namespace Agents.Api.Stream;

/// <summary>
/// Sends a run's events as server-sent events (WHATWG HTML, 9.2). What is sent for an event depends on the event alone, so a stream that is
/// resumed goes on byte by byte as it would have. A client that goes away ends its stream and nothing else.
/// </summary>
internal sealed class EventStream(IRunEvents events, IHostApplicationLifetime lifetime, TimeProvider time)
{
    /// <summary>How long a stream may be silent: proxies cut idle connections, the strictest known after 30 s.</summary>
    public static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(10);

    private static readonly ReadOnlyMemory<byte> Ping = ": ping\n\n"u8.ToArray();

    /// <summary>Sends the events after <paramref name="after"/> until the run ends, the client goes or the service stops.</summary>
    public async Task SendAsync(HttpContext context, string runId, long after)
    {
        var response = context.Response;
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-cache";
        response.Headers["X-Accel-Buffering"] = "no";
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        try
        {
            await response.StartAsync(stop.Token);
            await response.Body.FlushAsync(stop.Token);
            await CopyAsync(runId, after, response.Body, stop);
        }
        catch (Exception gone) when (stop.IsCancellationRequested && gone is OperationCanceledException or IOException)
        {
            // The client went away or the service stops. It may come back with Last-Event-ID.
        }
    }

    private async Task CopyAsync(string runId, long after, System.IO.Stream body, CancellationTokenSource stop)
    {
        await using var source = events.TailAsync(runId, after, stop.Token).GetAsyncEnumerator(stop.Token);
        var next = source.MoveNextAsync().AsTask();
        try
        {
            while (await NextAsync(next, body, stop.Token))
            {
                await body.WriteAsync(Frame(source.Current), stop.Token);
                next = source.MoveNextAsync().AsTask();
                if (!next.IsCompleted)
                    await body.FlushAsync(stop.Token);
            }

            await body.FlushAsync(stop.Token);
        }
        finally
        {
            // An enumerator must not be disposed while it moves.
            await stop.CancelAsync();
            await next.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    private async Task<bool> NextAsync(Task<bool> next, System.IO.Stream body, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await next.WaitAsync(Heartbeat, time, cancellationToken);
            }
            catch (TimeoutException) when (!next.IsCompleted)
            {
                await body.WriteAsync(Ping, cancellationToken);
                await body.FlushAsync(cancellationToken);
            }
        }
    }

    private static ReadOnlyMemory<byte> Frame(RunEvent runEvent)
    {
        using var frame = new MemoryStream();
        using (var writer = new StreamWriter(frame, leaveOpen: true))
            writer.Write(string.Create(CultureInfo.InvariantCulture, $"id: {runEvent.Sequence}\nevent: {runEvent.Type}\ndata: "));
        // JSON as the serializer writes it has no line breaks, which would end the data line.
        JsonSerializer.Serialize(frame, runEvent, RunsJson.Options);
        frame.Write("\n\n"u8);
        return frame.ToArray();
    }
}
