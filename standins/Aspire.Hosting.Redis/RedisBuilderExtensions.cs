using System.Security.Cryptography;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Local;
using Microsoft.Extensions.Configuration;

namespace Aspire.Hosting;

public static class RedisBuilderExtensions
{
    private const string PasswordCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    private const int PasswordLength = 22;

    /// <summary>A given connection string, else a redis-server or valkey-server of this machine, else nothing: then those who refer to it go on without.</summary>
    public static IResourceBuilder<RedisResource> AddRedis(
        this IDistributedApplicationBuilder builder, string name, int? port = null, IResourceBuilder<ParameterResource>? password = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var given = builder.Configuration.GetConnectionString(name);
        var redis = new RedisResource(name)
        {
            GivenConnectionString = string.IsNullOrWhiteSpace(given) ? null : given,
            PasswordParameter = password?.Resource ?? GeneratedPassword(name),
        };
        return builder.AddResource(redis)
            .WithAnnotation(new LocalRunAnnotation(() => RedisServer.Choose(redis, StorageOf(builder), ProcessStarter.OnPath)))
            .WithAnnotation(new RedisHealthAnnotation())
            .WithAnnotation(new EndpointAnnotation("tcp", RedisResource.EndpointName, port) { TargetHost = "127.0.0.1" });
    }

    /// <summary>Here the data always lies below the storage directory; the volume's name and protection have no meaning without a container.</summary>
    public static IResourceBuilder<RedisResource> WithDataVolume(this IResourceBuilder<RedisResource> builder, string? name = null, bool isReadOnly = false) => builder.WithPersistence();

    /// <summary>Writes an append-only file: at most the last second is lost, whatever the interval asked for.</summary>
    public static IResourceBuilder<RedisResource> WithPersistence(this IResourceBuilder<RedisResource> builder, TimeSpan? interval = null, long keysChangedThreshold = 1) =>
        builder.WithAnnotation(new RedisPersistenceAnnotation(), ResourceAnnotationMutationBehavior.Replace);

    private static ParameterResource GeneratedPassword(string name)
    {
        var value = RandomNumberGenerator.GetString(PasswordCharacters, PasswordLength);
        return new ParameterResource($"{name}-password", () => value, secret: true);
    }

    private static string StorageOf(IDistributedApplicationBuilder builder) =>
        Path.GetFullPath(builder.Configuration["Storage:Directory"] is { Length: > 0 } given ? given : Path.Combine(builder.AppHostDirectory, "..", ".data"));
}

internal sealed class RedisPersistenceAnnotation : IResourceAnnotation;
