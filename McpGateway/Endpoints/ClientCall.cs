using McpGateway.Calls;

namespace McpGateway.Endpoints;

/// <summary>A request of a client's session that is under way.</summary>
internal sealed class ClientCall(AnswerWriter answer) : IDisposable
{
    private readonly CancellationTokenSource _cancellation = new();

    public CancellationToken Cancelled => _cancellation.Token;

    /// <summary>
    /// True once its client may have the answer, and with it may use the id again: the specification forbids that (2025-11-25, basic:
    /// "must not have been previously used"), yet scripts send every request as number 1, and the end of a call comes after its answer.
    /// </summary>
    public bool IsAnswered => answer.IsAnswered;

    public void Cancel()
    {
        try
        {
            _cancellation.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The call ended while its cancellation was on the way.
        }
    }

    public void Dispose() => _cancellation.Dispose();
}
