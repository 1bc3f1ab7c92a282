using McpGateway.Calls;
using McpGateway.Endpoints;
using McpGateway.Lifecycle;
using McpGateway.Upstreams;
using ServiceDefaults.Storage;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers the gateway.</summary>
internal static class GatewayExtensions
{
    public static IServiceCollection AddGateway(this IServiceCollection services) => services
        .AddUpstreams()
        .AddCalls()
        .AddEndpoints()
        .AddLifecycle();

    private static IServiceCollection AddUpstreams(this IServiceCollection services) => services
        .AddSingleton(provider =>
        {
            var options = new GatewayOptions();
            provider.GetRequiredService<IConfiguration>().GetSection("Gateway").Bind(options);
            return options;
        })
        .AddSingleton(provider => new UpstreamLedger(provider.GetRequiredService<StorageDirectory>().FullPath))
        .AddSingleton<UpstreamSource>()
        .AddSingleton<UpstreamRegistry>();

    private static IServiceCollection AddCalls(this IServiceCollection services) => services
        .AddSingleton<CallForwarder>();

    private static IServiceCollection AddEndpoints(this IServiceCollection services) => services
        .AddSingleton<ClientSessions>()
        .AddSingleton<ServerAnswers>()
        .AddSingleton<RequestRouter>()
        .AddSingleton<McpEndpoint>();

    private static IServiceCollection AddLifecycle(this IServiceCollection services) => services
        .AddHostedService<GatewayDrain>()
        .AddHostedService<UpstreamWarmup>()
        .AddHostedService<SessionKeeper>();
}
