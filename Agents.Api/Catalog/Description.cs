using Microsoft.OpenApi;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>The OpenAPI description at <c>/openapi/v1.json</c>.</summary>
internal static class Description
{
    public static IServiceCollection AddDescription(this IServiceCollection services) => services.AddOpenApi("v1", options =>
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info = new OpenApiInfo
            {
                Title = "Agents API",
                Version = "v1",
                Description = "AI agents over code repositories. Every error is an RFC 9457 problem; input that cannot be taken names each field in 'errors'.",
            };
            // The address is the caller's: behind a proxy the one the service sees would be wrong.
            document.Servers = [new OpenApiServer { Url = "/" }];
            return Task.CompletedTask;
        }));

    public static void MapDescription(this IEndpointRouteBuilder endpoints) => endpoints.MapOpenApi("/openapi/{documentName}.json");
}
