using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace AppHost.Tests.Standins;

/// <summary>A builder whose projects are SampleService, with short delays and free ports, and whose log is kept.</summary>
internal sealed class SampleApplication
{
    private static readonly string[] Quick =
        ["--DcpPublisher:RandomizePorts=true", "--LocalRun:RestartDelay=0.1", "--LocalRun:MaxRestartDelay=0.4", "--LocalRun:StopTimeout=2"];

    internal SampleApplication(params string[] args)
    {
        Builder = DistributedApplication.CreateBuilder([.. Quick, .. args]);
        Builder.Services.RemoveAll<ILoggerProvider>();
        Builder.Services.AddSingleton<ILoggerProvider>(new Recorder(Log));
    }

    internal IDistributedApplicationBuilder Builder { get; }

    /// <summary>What the app host and its children said, in order.</summary>
    internal ConcurrentQueue<string> Log { get; } = new();

    internal IResourceBuilder<ProjectResource> Add(string name) => Builder.AddProject<Projects.SampleService>(name).WithHttpHealthCheck("/health");

    internal async Task<DistributedApplication> StartAsync()
    {
        var application = Builder.Build();
        await application.StartAsync(TestContext.Current.CancellationToken);
        return application;
    }

    internal static Task<ResourceEvent> HealthyAsync(DistributedApplication application, string name) =>
        application.ResourceNotifications.WaitForResourceHealthyAsync(name, TestContext.Current.CancellationToken).WaitAsync(Eventually.Patience, TimeProvider.System);

    internal static async Task<int> IdAsync(DistributedApplication application, string name)
    {
        using var client = application.CreateHttpClient(name);
        return int.Parse(await client.GetStringAsync("/id", TestContext.Current.CancellationToken), System.Globalization.CultureInfo.InvariantCulture);
    }

    private sealed class Recorder(ConcurrentQueue<string> log) : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => log.Enqueue(formatter(state, exception));

        public void Dispose()
        {
        }
    }
}
