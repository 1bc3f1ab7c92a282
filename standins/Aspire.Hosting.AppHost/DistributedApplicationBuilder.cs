using System.Reflection;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Local;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting;

public class DistributedApplicationBuilder : IDistributedApplicationBuilder
{
    private readonly HostApplicationBuilder _host;

    public DistributedApplicationBuilder(string[] args) : this(new DistributedApplicationOptions { Args = args })
    {
    }

    public DistributedApplicationBuilder(DistributedApplicationOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        AppHostAssembly = options.AssemblyName is { } name ? Assembly.Load(name) : Assembly.GetEntryAssembly();
        AppHostDirectory = options.ProjectDirectory ?? DirectoryOf(AppHostAssembly) ?? Directory.GetCurrentDirectory();
        _host = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings
        {
            Args = options.Args,
            ApplicationName = AppHostAssembly?.GetName().Name,
            ContentRootPath = Directory.Exists(AppHostDirectory) ? AppHostDirectory : Directory.GetCurrentDirectory(),
        });
        ExecutionContext = new DistributedApplicationExecutionContext(OperationOf(_host.Configuration));
        _host.Logging.ClearProviders();
        AddLocalRun(_host.Services);
        _host.Logging.AddFilter("Microsoft.Hosting.Lifetime", LogLevel.Warning);
        _host.Logging.AddFilter("Microsoft.Extensions.Hosting", LogLevel.Warning);
        // What keeps it from starting is printed by DistributedApplication.RunAsync as a sentence; here it would come with a stack trace before.
        _host.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.Critical);
    }

    public ConfigurationManager Configuration => _host.Configuration;

    public string AppHostDirectory { get; }

    public Assembly? AppHostAssembly { get; }

    public IHostEnvironment Environment => _host.Environment;

    public IServiceCollection Services => _host.Services;

    public DistributedApplicationExecutionContext ExecutionContext { get; }

    public IResourceCollection Resources { get; } = new ResourceCollection();

    public IResourceBuilder<T> AddResource<T>(T resource) where T : IResource
    {
        Resources.Add(resource);
        return CreateResourceBuilder(resource);
    }

    public IResourceBuilder<T> CreateResourceBuilder<T>(T resource) where T : IResource => new ResourceBuilder<T>(this, resource);

    public DistributedApplication Build()
    {
        EntryPointObserver.Current?.OnBuilding(this);
        if (ExecutionContext.IsPublishMode)
            throw new DistributedApplicationException("Publishing needs the real Aspire packages: build with UseAspire=true on a machine whose package feed has them.");
        var application = new DistributedApplication(_host.Build());
        EntryPointObserver.Current?.OnBuilt(application);
        return application;
    }

    private void AddLocalRun(IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(ExecutionContext);
        services.AddSingleton(Resources);
        services.AddSingleton<DistributedApplicationModel>();
        services.AddSingleton<ResourceNotificationService>();
        services.AddSingleton<ProcessStarter>();
        services.AddSingleton<EndpointAllocator>();
        services.AddSingleton<ResourceEnvironment>();
        services.AddSingleton<LocalConsole>();
        services.AddHostedService<ResourceReporter>();
        services.AddHostedService<LocalApplication>();
        services.AddOptions<LocalRunOptions>().BindConfiguration(LocalRunOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromMinutes(5));
        services.AddSingleton<ILoggerProvider, LocalConsoleLoggerProvider>();
    }

    private static DistributedApplicationOperation OperationOf(ConfigurationManager configuration) =>
        string.Equals(configuration["AppHost:Operation"] ?? configuration["operation"], "publish", StringComparison.OrdinalIgnoreCase)
            ? DistributedApplicationOperation.Publish
            : DistributedApplicationOperation.Run;

    private static string? DirectoryOf(Assembly? assembly) =>
        assembly?.GetCustomAttributes<AssemblyMetadataAttribute>()
            .FirstOrDefault(metadata => string.Equals(metadata.Key, "apphostprojectpath", StringComparison.OrdinalIgnoreCase))?.Value;
}
