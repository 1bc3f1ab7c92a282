using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Http.Resilience;

#pragma warning disable EXTEXP0001 // Retry by method and removal of handlers are marked experimental in the package.

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>How the services call each other and the world.</summary>
public static class OutgoingHttpExtensions
{
    /// <summary>
    /// Takes the standard resilience handler off a client that all clients have by default. Its requests are sent once and have no time
    /// limit, so the caller sets both. For calls that the standard limits would cut or that must not be repeated: model streams, MCP.
    /// <code>services.AddHttpClient("models").WithoutResilience()</code>
    /// </summary>
    public static IHttpClientBuilder WithoutResilience(this IHttpClientBuilder client) => client.RemoveAllResilienceHandlers();

    /// <summary>
    /// Every client of the factory finds services by name (<c>https+http://mcp-gateway</c>), and has the standard time-outs, breaker and
    /// retries. Only safe methods are retried: a POST that starts a run must not start two. Each authority has its own breaker.
    /// </summary>
    internal static TBuilder AddOutgoingHttp<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.AddServiceDiscovery();
        builder.Services.ConfigureHttpClientDefaults(client =>
        {
            client.AddStandardResilienceHandler(options => options.Retry.DisableForUnsafeHttpMethods()).SelectPipelineByAuthority();
            // Inside the retries: a further attempt goes to the next endpoint.
            client.AddServiceDiscovery();
        });
        return builder;
    }
}
