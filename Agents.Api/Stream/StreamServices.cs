using Agents.Api.Stream;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds what streams events.</summary>
internal static class StreamServices
{
    public static IServiceCollection AddStream(this IServiceCollection services) => services.AddSingleton<EventStream>();
}
