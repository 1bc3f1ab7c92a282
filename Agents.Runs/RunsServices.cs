using Agents.Runs;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds runs to a service.</summary>
public static class RunsServices
{
    /// <summary>
    /// Adds <see cref="IRunStore"/>, <see cref="IRunQueue"/> and <see cref="IRunEvents"/> on agents.db, and the reaper.
    /// The file is opened, or made, when the service starts; a file that cannot be used stops the start with a sentence.
    /// </summary>
    /// <param name="services">The service's services.</param>
    /// <param name="storageDirectory">Gives the folder of agents.db; all services that share runs name the same one.</param>
    public static IServiceCollection AddRuns(this IServiceCollection services, Func<IServiceProvider, string> storageDirectory)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddOptions<RunQueueOptions>();
        services.AddSingleton(provider => new SqliteDatabase(storageDirectory(provider), provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<IRunStore, SqliteRunStore>();
        services.AddSingleton<IRunQueue, SqliteRunQueue>();
        services.AddSingleton<IRunEvents, SqliteRunEvents>();
        services.AddHostedService<RunReaper>();
        services.AddHealthChecks().AddCheck<RunsHealthCheck>("runs");
        return services;
    }
}
