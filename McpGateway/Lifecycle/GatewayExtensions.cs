using McpGateway.Calls;
using McpGateway.Calls.Inputs;
using McpGateway.Endpoints;
using McpGateway.Endpoints.Replicas;
using McpGateway.Endpoints.Streams;
using McpGateway.Endpoints.Subscriptions;
using McpGateway.Lifecycle;
using McpGateway.Sessions;
using McpGateway.Upstreams;

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
        .AddSingleton(static provider => GatewayOptions.Read(provider.GetRequiredService<IConfiguration>()))
        .AddSingleton<PoolMetrics>()
        .AddSingleton<UpstreamSource>()
        .AddSingleton<UpstreamRegistry>();

    private static IServiceCollection AddCalls(this IServiceCollection services) => services
        .AddSingleton<CallMetrics>()
        .AddSingleton<ServerMeter>()
        .AddSingleton<ParkingLot>()
        .AddSingleton<ParkedCalls>()
        .AddSingleton<CallRelay>()
        .AddSingleton<CallForwarder>();

    private static IServiceCollection AddEndpoints(this IServiceCollection services) => services
        .AddSingleton<ClientSessions>()
        .AddSingleton<ListChanges>()
        .AddSingleton<ServerAnswers>()
        .AddSingleton<ClientWishes>()
        .AddSingleton<ListAnswers>()
        .AddSingleton<TargetFinder>()
        .AddSingleton<RequestRouter>()
        .AddSingleton<StreamHub>()
        .AddSingleton<ReplicaQuestions>()
        .AddSingleton<RelayedStreams>()
        .AddSingleton<ForwardedCalls>()
        .AddSingleton<IParkedElsewhere>(static provider => provider.GetRequiredService<ForwardedCalls>())
        .AddSingleton<SubscriptionEndpoint>()
        .AddSingleton<SessionCalls>()
        .AddSingleton<SessionEndpoint>()
        .AddSingleton<SseEndpoint>()
        .AddSingleton<McpEndpoint>();

    private static IServiceCollection AddLifecycle(this IServiceCollection services) => services
        .AddHostedService<GatewayDrain>()
        .AddHostedService<UpstreamWarmup>()
        .AddHostedService<SessionKeeper>()
        .AddHostedService<StreamKeeper>();
}
