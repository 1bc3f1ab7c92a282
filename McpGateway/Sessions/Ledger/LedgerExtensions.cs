using System.Security.Cryptography;
using McpGateway.Endpoints.Portable;
using McpGateway.Endpoints.Replicas;
using McpGateway.Lifecycle;
using McpGateway.Sessions.Ledger;
using McpGateway.Upstreams;
using ServiceDefaults.Storage;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers the ledger: in Redis with <c>ConnectionStrings:cache</c>, else in <c>gateway.db</c>. Nothing else asks which.</summary>
internal static class LedgerExtensions
{
    /// <summary>The connection string that puts the ledger into Redis.</summary>
    public const string Cache = "cache";

    public static IServiceCollection AddLedger(this IServiceCollection services, IConfiguration configuration)
    {
        services
            .AddSingleton(provider => provider.GetRequiredService<GatewayOptions>().LedgerTimes)
            .AddSingleton(CreateOwner)
            .AddSingleton<GatewayLedger>()
            .AddSingleton<OrphanReaper>()
            .AddHostedService<LedgerKeeper>();
        return configuration.GetConnectionString(Cache) is { Length: > 0 } redis ? services.AddRedisLedger(redis) : services.AddSqliteLedger();
    }

    private static IServiceCollection AddSqliteLedger(this IServiceCollection services) => services
        .AddSingleton(provider => new GatewayDatabase(provider.GetRequiredService<StorageDirectory>().FullPath))
        .AddSingleton<ISessionLedger, SqliteSessionLedger>()
        .AddSingleton<IEraLedger, SqliteEraLedger>()
        .AddSingleton<ISessionPermits, NoSessionPermits>()
        .AddSingleton<IClientSessionStore, SqliteClientSessionStore>()
        .AddSingleton<IReplicas, NoReplicas>()
        .AddSingleton(provider => Configured(provider) ?? new SealingKeys([SealingKeyFile.Open(provider.GetRequiredService<StorageDirectory>().FullPath)]));

    private static IServiceCollection AddRedisLedger(this IServiceCollection services, string connectionString) => services
        .AddSingleton(provider => new RedisStore(connectionString, provider.GetRequiredService<TimeProvider>()))
        .AddSingleton<ISessionLedger, RedisSessionLedger>()
        .AddSingleton<IEraLedger, RedisEraLedger>()
        .AddSingleton<IClientSessionStore>(provider => new RedisClientSessionStore(provider.GetRequiredService<RedisStore>(), provider.GetRequiredService<GatewayLedger>().Owner))
        .AddSingleton<RedisReplicas>()
        .AddSingleton<IReplicas>(provider => provider.GetRequiredService<RedisReplicas>())
        .AddSingleton<CallsForOthers>()
        .AddSingleton<ReplicaDesk>()
        .AddHostedService<ReplicaKeeper>()
        .AddSingleton<ISessionPermits>(provider =>
        {
            var ledger = provider.GetRequiredService<GatewayLedger>();
            return new RedisSessionPermits(provider.GetRequiredService<RedisStore>(), ledger.Owner, provider.GetRequiredService<OwnerFile>().IsDead, ledger.Times.Owner, provider.GetRequiredService<TimeProvider>());
        })
        .AddSingleton(provider =>
        {
            if (Configured(provider) is { } keys) return keys;
            var storage = provider.GetRequiredService<StorageDirectory>();
            var file = SealingKeyFile.Open(storage.FullPath);
            provider.GetRequiredService<ILogger<GatewayLedger>>().KeysNotShared(storage.PathOf(SealingKeyFile.Name));
            return new SealingKeys([file]);
        });

    private static OwnerFile CreateOwner(IServiceProvider provider)
    {
        var logger = provider.GetRequiredService<ILogger<GatewayLedger>>();
        try
        {
            return OwnerFile.Create(provider.GetRequiredService<StorageDirectory>().FullPath, logger);
        }
        catch (InvalidOperationException exception)
        {
            // With Redis a gateway needs no directory; without it the start ends with the same words.
            logger.OwnerUnproven(StorageDirectory.Key, exception.Message);
            return OwnerFile.WithoutProof();
        }
    }

    private static SealingKeys? Configured(IServiceProvider provider)
    {
        var options = provider.GetRequiredService<GatewayOptions>().Keys!;
        // The start is about to end with these errors, together with all others there are. Nothing will be sealed.
        if (options.Errors.Length > 0) return new SealingKeys([new SealingKey("none", [.. RandomNumberGenerator.GetBytes(SealingKey.Size)])]);
        return options.Keys.Length > 0 ? new SealingKeys(options.Keys) : null;
    }
}
