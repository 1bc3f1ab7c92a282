using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace ServiceDefaults.Drain;

internal static class DrainExtensions
{
    public static TBuilder AddDrain<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        var services = builder.Services;
        services.AddOptions<DrainOptions>().BindConfiguration(DrainOptions.Section).ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<DrainOptions>, DrainOptionsValidator>());
        services.AddOptions<HostOptions>().Configure<IConfiguration>(SetShutdownTimeout);
        services.TryAddSingleton<DrainState>();
        services.AddHostedService<DrainDelay>();
        services.AddHealthChecks().AddCheck<DrainHealthCheck>("drain");
        return builder;
    }

    /// <summary>
    /// The host reads its options while it is built. A wrong value must not throw there, but be reported with all others at start.
    /// </summary>
    private static void SetShutdownTimeout(HostOptions host, IConfiguration configuration)
    {
        var configured = configuration[$"{DrainOptions.Section}:{nameof(DrainOptions.Timeout)}"];
        host.ShutdownTimeout = TimeSpan.TryParse(configured, CultureInfo.InvariantCulture, out var timeout)
            ? timeout
            : new DrainOptions().Timeout;
    }
}
