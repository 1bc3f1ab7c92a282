using Agents.Runs;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds runs to a service.</summary>
public static class RunsServices
{
    /// <summary>
    /// Adds <see cref="IRunStore"/>, <see cref="IRunQueue"/>, <see cref="IRunEvents"/>, <see cref="IAgentDefinitions"/> and <see cref="IWebhookOutbox"/>, and the reaper:
    /// in Redis where there is one, else in agents.db. What cannot be used stops the start with a sentence. Settings: section <c>Runs</c>.
    /// </summary>
    /// <param name="services">The service's services.</param>
    /// <param name="storageDirectory">Gives the folder of agents.db; all services that share runs name the same one.</param>
    /// <param name="redis">The connection string of Redis; null or empty keeps the runs in agents.db.</param>
    public static IServiceCollection AddRuns(this IServiceCollection services, Func<IServiceProvider, string> storageDirectory, string? redis = null)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddSettings<RunQueueOptions, RunQueueOptionsValidation>().AddSettings<RunStorageOptions, RunStorageOptionsValidation>();
        if (string.IsNullOrEmpty(redis)) services.AddSqlite(storageDirectory);
        else services.AddRedis(redis);
        services.AddHostedService<RunStorageCheck>();
        services.AddHostedService<RunReaper>();
        services.AddHealthChecks().AddCheck<RunsHealthCheck>("runs");
        return services;
    }

    private static void AddSqlite(this IServiceCollection services, Func<IServiceProvider, string> storageDirectory) => services
        .AddSingleton(provider => new SqliteDatabase(storageDirectory(provider), provider.GetRequiredService<TimeProvider>()))
        .AddSingleton<IRunStore, SqliteRunStore>()
        .AddSingleton<IRunQueue, SqliteRunQueue>()
        .AddSingleton<IRunEvents, SqliteRunEvents>()
        .AddSingleton<IAgentDefinitions, SqliteAgentDefinitions>()
        .AddSingleton<IWebhookOutbox, SqliteWebhookOutbox>();

    private static void AddRedis(this IServiceCollection services, string connectionString) => services
        .AddSingleton(provider => new RedisDatabase(
            connectionString,
            provider.GetRequiredService<IOptions<RunStorageOptions>>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<RedisDatabase>>()))
        .AddSingleton<IRunStore, RedisRunStore>()
        .AddSingleton<IRunQueue, RedisRunQueue>()
        .AddSingleton<IRunEvents, RedisRunEvents>()
        .AddSingleton<IAgentDefinitions, RedisAgentDefinitions>()
        .AddSingleton<IWebhookOutbox, RedisWebhookOutbox>();

    private static IServiceCollection AddSettings<TOptions, TValidation>(this IServiceCollection services)
        where TOptions : class
        where TValidation : class, IValidateOptions<TOptions>
    {
        // A program without configuration, such as a test, has the defaults.
        services.AddOptions<TOptions>()
            .Configure<IServiceProvider>((options, provider) => provider.GetService<IConfiguration>()?.GetSection(RunStorageOptions.Section).Bind(options))
            .ValidateOnStart();
        return services.AddSingleton<IValidateOptions<TOptions>, TValidation>();
    }
}
