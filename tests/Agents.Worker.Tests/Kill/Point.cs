namespace Agents.Worker.Tests.Kill;

/// <summary>A place in a run where the first that comes is held until it is let go or its worker is gone; whoever comes later passes.</summary>
internal sealed class Point
{
    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _passed;

    public Task ReachedAsync() => _reached.Task.WaitAsync(Eventually.Patience, TimeProvider.System, TestContext.Current.CancellationToken);

    public void Release() => _released.TrySetResult();

    public async Task PassAsync(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _passed, 1) != 0) return;
        _reached.TrySetResult();
        await _released.Task.WaitAsync(cancellationToken);
    }
}
