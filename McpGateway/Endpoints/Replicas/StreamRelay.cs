using McpGateway.Endpoints.Streams;
using McpGateway.Protocol;

namespace McpGateway.Endpoints.Replicas;

/// <summary>
/// Sends a stream that is kept here to the gateway that its client has come back to, as it would go to the client. What the client has
/// not got stays kept here.
/// </summary>
/// <param name="line">The way there.</param>
/// <param name="stream">What is sent.</param>
internal sealed class StreamRelay(RelayLine line, ClientStream stream) : IStreamOutlet
{
    private volatile bool _isEnding;

    /// <summary>Sends until the stream's end, until another connection takes it over, or until the other gateway leaves.</summary>
    /// <param name="after">Number of the last event that the client has.</param>
    public async Task RunAsync(long after)
    {
        stream.Attach(this, after);
        try
        {
            await line.ReadyAsync();
            var isOver = false;
            while (!isOver && !line.IsLeft)
            {
                using var batch = new MessageBuffer();
                isOver = !await FillAsync(batch);
                await line.SendAsync(new ReplicaMessage(ReplicaMessageKind.Batch, "") { Body = batch.Span.ToArray(), IsOver = isOver });
            }
        }
        finally
        {
            stream.Detach(this);
        }
    }

    public void Wake() => line.Wake();

    public void End(TimeSpan? retry)
    {
        _isEnding = true;
        Wake();
    }

    /// <summary>Waits for something to send; false when it is the last.</summary>
    private async Task<bool> FillAsync(MessageBuffer batch)
    {
        while (!line.IsLeft)
        {
            var progress = stream.WriteTo(batch, this);
            if (progress != StreamProgress.Idle) return progress == StreamProgress.More;
            if (_isEnding) return false;
            await line.WaitAsync();
        }

        return false;
    }
}
