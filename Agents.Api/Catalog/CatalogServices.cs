using Agents.Api.Catalog;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds what can be named in a run.</summary>
internal static class CatalogServices
{
    public static IServiceCollection AddCatalog(this IServiceCollection services) => services
        .AddSingleton<RepositoryCatalog>()
        .AddHostedService<CatalogCheck>();
}
