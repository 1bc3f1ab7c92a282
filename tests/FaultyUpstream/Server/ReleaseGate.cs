namespace FaultyUpstream.Server;

/// <summary>Where slow calls wait. Releasing lets go of those that wait now; who comes later waits for the next.</summary>
internal sealed class ReleaseGate
{
    private TaskCompletionSource _released = New();

    public Task NextRelease => Volatile.Read(ref _released).Task;

    public void Release() => Interlocked.Exchange(ref _released, New()).TrySetResult();

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
