namespace Aspire.Hosting;

/// <summary>Lets a test run an app host's own entry point and take the builder and the application from it. Flows with the entry point's thread.</summary>
internal abstract class EntryPointObserver
{
    private static readonly AsyncLocal<EntryPointObserver?> Slot = new();

    internal static EntryPointObserver? Current
    {
        get => Slot.Value;
        set => Slot.Value = value;
    }

    internal abstract void OnCreating(DistributedApplicationOptions options);

    /// <summary>Blocks the entry point until the test builds.</summary>
    internal abstract void OnBuilding(DistributedApplicationBuilder builder);

    internal abstract void OnBuilt(DistributedApplication application);

    internal abstract Task WaitUntilDisposedAsync(CancellationToken cancellationToken);
}
