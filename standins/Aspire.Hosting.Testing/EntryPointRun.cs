using System.Reflection;
using Aspire.Hosting.Local;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Testing;

/// <summary>An app host's entry point on a thread of its own, held at Build until the test builds, and at Run until the test is done.</summary>
// Invariant: each of the three signals is set once; the end of the entry point, however it comes, completes those that are still open,
// so nobody who waits for it waits for ever.
internal sealed class EntryPointRun(Assembly assembly) : EntryPointObserver, IDisposable
{
    private readonly TaskCompletionSource<DistributedApplicationBuilder> _builder = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<DistributedApplication> _application = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SemaphoreSlim _mayBuild = new(0);
    private volatile bool _abandoned;

    internal Task<DistributedApplicationBuilder> Builder => _builder.Task;

    internal void Start(string[] args) => new Thread(() => Run(args)) { IsBackground = true, Name = $"{assembly.GetName().Name} entry point" }.Start();

    internal async Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken)
    {
        _mayBuild.Release();
        return await _application.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Lets the entry point end; one that has not built yet leaves without building.</summary>
    internal void Release()
    {
        _abandoned = !_application.Task.IsCompleted;
        _released.TrySetResult();
        _mayBuild.Release();
    }

    public void Dispose()
    {
        Release();
        _mayBuild.Dispose();
    }

    internal override void OnCreating(DistributedApplicationOptions options)
    {
        options.AssemblyName ??= assembly.GetName().Name;
        options.Args = ["--DcpPublisher:RandomizePorts=true", "--environment=Development", .. options.Args ?? []];
    }

    internal override void OnBuilding(DistributedApplicationBuilder builder)
    {
        builder.Services.RemoveAll<ILoggerProvider>();
        foreach (var reporter in builder.Services.Where(service => service.ServiceType == typeof(IHostedService) && service.ImplementationType == typeof(ResourceReporter)).ToList())
            builder.Services.Remove(reporter);
        _builder.TrySetResult(builder);
        _mayBuild.Wait();
        if (_abandoned)
            throw new OperationCanceledException("The test ended without building the application.");
    }

    internal override void OnBuilt(DistributedApplication application)
    {
        application.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopped.Register(Release);
        _application.TrySetResult(application);
    }

    internal override Task WaitUntilDisposedAsync(CancellationToken cancellationToken) => _released.Task.WaitAsync(cancellationToken);

    private void Run(string[] args)
    {
        Current = this;
        Exception failure;
        try
        {
            var entryPoint = assembly.EntryPoint ?? throw new InvalidOperationException($"Assembly '{assembly.GetName().Name}' has no entry point.");
            entryPoint.Invoke(null, BindingFlags.DoNotWrapExceptions, null, entryPoint.GetParameters().Length == 0 ? [] : [args], null);
            failure = new InvalidOperationException($"The entry point of '{assembly.GetName().Name}' ended without building an application; its error output says why.");
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            failure = exception;
        }
        _builder.TrySetException(failure);
        _application.TrySetException(failure);
    }
}
