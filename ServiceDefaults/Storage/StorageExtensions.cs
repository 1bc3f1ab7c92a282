using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using ServiceDefaults.Storage;

namespace Microsoft.Extensions.Hosting;

/// <summary>Registers the storage directory.</summary>
public static class StorageExtensions
{
    /// <summary>
    /// Adds <see cref="StorageDirectory"/>, created when the service starts, so that a directory that cannot be written stops it at once.
    /// Warns when <c>ConnectionStrings:cache</c> is set, which this version does not use.
    /// </summary>
    public static TBuilder AddStorageDirectory<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.TryAddSingleton<StorageDirectory>();
        builder.Services.AddHostedService<StorageCheck>();
        return builder;
    }
}
