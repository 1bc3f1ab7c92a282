using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;

namespace McpGateway.Endpoints.Streams;

/// <summary>
/// The HTTP response that carries a stream now. It alone writes to the response, from one loop; everybody else only wakes it. It
/// ends with its stream, with its client, or when the gateway asks.
/// </summary>
internal sealed class StreamConnection(HttpContext context, ClientStream stream, StreamHub hub) : IStreamOutlet
{
    private readonly WakeUp _wakeUp = new();
    private volatile bool _ending;
    private volatile bool _beatDue;
    private volatile bool _hasWritten;
    private TimeSpan? _retry;

    public ClientStream Stream => stream;

    /// <summary>Sends until the end.</summary>
    /// <param name="after">Number of the last event that the client has.</param>
    /// <param name="opening">Written first: an event of the transport's own.</param>
    /// <param name="primes">True to begin with an event that only carries an id.</param>
    public async Task RunAsync(long after = 0, byte[]? opening = null, bool primes = false)
    {
        Start(context.Response);
        var output = context.Response.BodyWriter;
        await using var gone = context.RequestAborted.UnsafeRegister(static connection => ((StreamConnection)connection!).Wake(), this);
        stream.Attach(this, after);
        hub.Add(this);
        try
        {
            if (opening is not null) output.Write(opening);
            if (primes) stream.WritePriming(output);
            // At once, so that the client sees that the stream stands.
            var isOpen = await FlushAsync(output);
            while (isOpen && !context.RequestAborted.IsCancellationRequested)
            {
                var progress = stream.WriteTo(output, this);
                if (progress == StreamProgress.Idle && !TryBeat(output))
                {
                    if (_ending) break;
                    await _wakeUp.WaitAsync();
                    continue;
                }

                isOpen = await FlushAsync(output);
                if (progress == StreamProgress.Over) break;
            }

            if (_ending && _retry is { } wait) await AskToComeBackAsync(output, wait);
        }
        finally
        {
            hub.Remove(this);
            stream.Detach(this);
        }
    }

    public void Wake() => _wakeUp.Set();

    /// <summary>Ends the connection once what there is has been written.</summary>
    /// <param name="retry">When the client should come back; null to leave it to the client.</param>
    public void End(TimeSpan? retry)
    {
        _retry = retry;
        _ending = true;
        Wake();
    }

    /// <summary>Called round by round: a connection that has been silent since the last one says that it lives.</summary>
    public void Beat()
    {
        if (_hasWritten)
        {
            _hasWritten = false;
            return;
        }

        _beatDue = true;
        Wake();
    }

    public static void Start(HttpResponse response)
    {
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-cache";
        response.Headers["X-Accel-Buffering"] = "no";
    }

    private bool TryBeat(PipeWriter output)
    {
        if (!_beatDue) return false;
        _beatDue = false;
        output.Write(":\n\n"u8);
        return true;
    }

    private async ValueTask<bool> FlushAsync(PipeWriter output)
    {
        _hasWritten = true;
        return !(await output.FlushAsync(CancellationToken.None)).IsCompleted;
    }

    private async Task AskToComeBackAsync(PipeWriter output, TimeSpan wait)
    {
        if (context.RequestAborted.IsCancellationRequested) return;
        Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"retry: {(long)wait.TotalMilliseconds}\n\n"), output);
        await FlushAsync(output);
    }
}
