using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using ServiceDefaults.Storage;

namespace Microsoft.Extensions.Hosting;

/// <summary>Registers the storage directory.</summary>
public static class StorageExtensions
{
    /// <summary>
    /// Adds <see cref="StorageDirectory"/>, created when the service starts, so that a directory that cannot be written stops it at once.
    /// With <c>ConnectionStrings:cache</c> the state is in Redis, and the directory is created only when something asks for it.
    /// </summary>
    /// <param name="builder">The service.</param>
    public static TBuilder AddStorageDirectory<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.TryAddSingleton<StorageDirectory>();
        if (string.IsNullOrEmpty(builder.Configuration.GetConnectionString("cache"))) builder.Services.AddHostedService<StorageCheck>();
        return builder;
    }
}
