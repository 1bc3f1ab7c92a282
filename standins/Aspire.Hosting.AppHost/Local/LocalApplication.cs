using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Aspire.Hosting.Local;

/// <summary>Runs the model as processes of this machine.</summary>
internal sealed class LocalApplication(
    DistributedApplicationModel model, EndpointAllocator allocator, ProcessStarter starter, ResourceEnvironment environment,
    ResourceNotificationService notifications, IOptions<LocalRunOptions> options, ILoggerFactory loggers, TimeProvider time) : IHostedService, IAsyncDisposable, IDisposable
{
    private readonly HttpClient _client = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false });
    private readonly List<Replica> _replicas = [];
    private readonly ILogger _log = loggers.CreateLogger(LocalConsoleLoggerProvider.Own);

    public Task StartAsync(CancellationToken cancellationToken)
    {
        allocator.Allocate(model.Resources);
        var services = new ReplicaServices(starter, environment, notifications, options.Value, loggers, _client, time);
        foreach (var resource in model.Resources)
            Add(resource, services);
        foreach (var replica in _replicas)
            replica.Start();
        return Task.CompletedTask;
    }

    /// <summary>Those that others wait for end last. A second Ctrl+C kills what is left.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (_replicas.Count == 0)
            return;
        _log.Stopping();
        using var hurry = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var again = PosixSignalRegistration.Create(PosixSignal.SIGINT, context =>
        {
            context.Cancel = true;
            hurry.Cancel();
        });
        while (_replicas.Count > 0)
        {
            var free = _replicas.Where(replica => !_replicas.Exists(other => DependsOn(other.Resource, replica.Resource))).ToList();
            if (free.Count == 0)
                free = [.. _replicas];
            await Task.WhenAll(free.Select(replica => replica.StopAsync(hurry.Token))).ConfigureAwait(false);
            _replicas.RemoveAll(free.Contains);
            foreach (var replica in free)
                await replica.DisposeAsync().ConfigureAwait(false);
        }
        _log.Stopped();
    }

    /// <summary>A test may dispose the application without stopping it.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync(CancellationToken.None).ConfigureAwait(false);
        _client.Dispose();
    }

    public void Dispose() => _client.Dispose();

    private static bool DependsOn(IResource resource, IResource dependency) =>
        resource != dependency && resource.Annotations.OfType<WaitAnnotation>().Any(wait => wait.Resource == dependency);

    private void Add(IResource resource, ReplicaServices services)
    {
        switch (resource.RunsAs())
        {
            case LocalRun.Command command:
                var count = resource.Annotations.OfType<ReplicaAnnotation>().LastOrDefault()?.Replicas ?? 1;
                for (var i = 0; i < count; i++)
                {
                    var id = count == 1 ? resource.Name : string.Create(CultureInfo.InvariantCulture, $"{resource.Name}-{i + 1}");
                    Publish(resource, id, KnownResourceStates.NotStarted, null, UrlsOf(resource, i));
                    _replicas.Add(new Replica(resource, command, i, id, services));
                }
                break;
            case LocalRun.External external:
                Publish(resource, resource.Name, KnownResourceStates.Running, external.Detail, []);
                break;
            case LocalRun.Unused unused:
                Publish(resource, resource.Name, KnownResourceStates.NotUsed, unused.Detail, []);
                break;
            default:
                break;
        }
    }

    private void Publish(IResource resource, string id, string state, string? detail, ImmutableArray<UrlSnapshot> urls) =>
        notifications.Publish(resource, id, _ => new CustomResourceSnapshot { ResourceType = TypeOf(resource), State = state, Detail = detail, Urls = urls });

    private static string TypeOf(IResource resource) => resource.GetType().Name.Replace("Resource", "", StringComparison.Ordinal);

    private static ImmutableArray<UrlSnapshot> UrlsOf(IResource resource, int replica) =>
        [.. resource.Annotations.OfType<EndpointAnnotation>().Select(endpoint =>
        {
            var url = new ResourceUrlAnnotation { Url = endpoint.UrlOf(replica), Endpoint = resource is IResourceWithEndpoints owner ? new EndpointReference(owner, endpoint.Name) : null };
            foreach (var annotation in resource.Annotations.OfType<EndpointUrlCallbackAnnotation>().Where(a => a.EndpointName == endpoint.Name))
                annotation.Callback(url);
            return new UrlSnapshot(endpoint.Name, url.Url, IsInternal: false) { DisplayText = url.DisplayText };
        })];
}
