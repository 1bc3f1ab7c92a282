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
    /// Warns when <c>ConnectionStrings:cache</c> is set and the service does not use it.
    /// </summary>
    /// <param name="builder">The service.</param>
    /// <param name="redisInItsPlace">True for a service that keeps its state in Redis when <c>ConnectionStrings:cache</c> is set; the directory is then created only when something asks for it.</param>
    public static TBuilder AddStorageDirectory<TBuilder>(this TBuilder builder, bool redisInItsPlace = false)
        where TBuilder : IHostApplicationBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.TryAddSingleton<StorageDirectory>();
        if (!redisInItsPlace || string.IsNullOrEmpty(builder.Configuration.GetConnectionString("cache"))) builder.Services.AddHostedService<StorageCheck>();
        return builder;
    }
}
