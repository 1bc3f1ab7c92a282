using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Agents.Runs;
using Microsoft.AspNetCore.Http.Features;

namespace Agents.Api.Stream;

/// <summary>
/// Sends a run's events as server-sent events (WHATWG HTML, 9.2). A client that goes away ends its stream and nothing else.
/// </summary>
/// <remarks>
/// A stream pulls: the next events are read when the client has taken those before, so one that does not read holds a page of events and the
/// connection's own buffer, and neither the worker nor another reader knows of it. Kestrel ends a connection that takes less than
/// <c>MinResponseDataRate</c> (240 bytes a second) of what waits for it.
/// </remarks>
internal sealed class EventStream(IRunEvents events, IHostApplicationLifetime lifetime, TimeProvider time)
{
    /// <summary>How long a stream may be silent: proxies cut idle connections, the strictest known after 30 s.</summary>
    public static readonly TimeSpan Heartbeat = TimeSpan.FromSeconds(10);

    private const int FlushBytes = 16 * 1024;

    /// <summary>Sends the whole run in our own format.</summary>
    public Task SendAsync(HttpContext context, string runId) => SendAsync(context, runId, new NativeFormat(), StreamPosition.Begin);

    /// <summary>Sends what comes after <paramref name="after"/> until the run ends, the client goes or the service stops.</summary>
    public async Task SendAsync(HttpContext context, string runId, StreamFormat format, StreamPosition after)
    {
        var response = context.Response;
        response.ContentType = StreamFormats.MediaType;
        response.Headers.CacheControl = "no-cache";
        response.Headers["X-Accel-Buffering"] = "no";
        format.Prepare(response.Headers);
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        try
        {
            await response.StartAsync(stop.Token);
            await FlushAsync(context, stop.Token);
            await CopyAsync(context, runId, format, after, stop);
        }
        catch (Exception gone) when (stop.IsCancellationRequested && gone is OperationCanceledException or IOException)
        {
            // The client went away or the service stops. It may come back with Last-Event-ID.
        }
    }

    private async Task CopyAsync(HttpContext context, string runId, StreamFormat format, StreamPosition after, CancellationTokenSource stop)
    {
        var frames = new List<StreamFrame>();
        await using var source = events.TailAsync(runId, format.Remembers ? 0 : after.Sequence, stop.Token).GetAsyncEnumerator(stop.Token);
        var next = source.MoveNextAsync().AsTask();
        try
        {
            while (await NextAsync(next, context, stop.Token))
            {
                format.Tell(source.Current, frames);
                Write(context.Response.BodyWriter, source.Current.Sequence, frames, after);
                frames.Clear();
                next = source.MoveNextAsync().AsTask();
                if (!next.IsCompleted || context.Response.BodyWriter.UnflushedBytes >= FlushBytes)
                    await FlushAsync(context, stop.Token);
            }

            await FlushAsync(context, stop.Token);
        }
        finally
        {
            // An enumerator must not be disposed while it moves.
            await stop.CancelAsync();
            await next.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    private async Task<bool> NextAsync(Task<bool> next, HttpContext context, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await next.WaitAsync(Heartbeat, time, cancellationToken);
            }
            catch (TimeoutException) when (!next.IsCompleted)
            {
                context.Response.BodyWriter.Write(": ping\n\n"u8);
                await FlushAsync(context, cancellationToken);
            }
        }
    }

    /// <summary>Writes the frames of an event that the client has not heard.</summary>
    private static void Write(PipeWriter body, long sequence, List<StreamFrame> frames, StreamPosition after)
    {
        if (sequence <= after.Sequence)
            return;
        for (var i = sequence == after.Sequence + 1 ? after.Frames : 0; i < frames.Count; i++)
        {
            // JSON as the serializer writes it has no line breaks, which would end the data line.
            var frame = frames[i];
            var name = frame.Event is null ? "" : $"event: {frame.Event}\n";
            Encoding.UTF8.GetBytes($"id: {StreamPosition.IdOf(sequence, i + 1, frames.Count)}\n{name}data: ", body);
            body.Write(frame.Data.Span);
            body.Write("\n\n"u8);
        }
    }

    /// <summary>Waits until the client has taken enough. One that does not, when the service stops, must not hold up the stop.</summary>
    private static async Task FlushAsync(HttpContext context, CancellationToken cancellationToken)
    {
        try
        {
            await context.Response.BodyWriter.FlushAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            context.Abort();
            throw;
        }
    }
}
