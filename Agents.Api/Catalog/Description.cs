using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Microsoft.OpenApi;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>The OpenAPI description at <c>/openapi/v1.json</c>.</summary>
internal static class Description
{
    public static IServiceCollection AddDescription(this IServiceCollection services) => services.AddOpenApi("v1", options => options
        .AddSchemaTransformer((schema, context, _) =>
        {
            // A constructor parameter counts as required; what is null is left out of our JSON nevertheless.
            foreach (var member in context.JsonTypeInfo.Properties.Where(member => member.IsGetNullable && member.AttributeProvider?.IsDefined(typeof(JsonIgnoreAttribute), true) is false))
            {
                if (member.AttributeProvider?.IsDefined(typeof(RequiredAttribute), true) is false)
                    schema.Required?.Remove(member.Name);
            }

            return Task.CompletedTask;
        })
        .AddOperationTransformer((operation, context, _) =>
        {
            // Whatever touches runs may find their store away; see Problems.
            if (context.Description.RelativePath?.StartsWith("api/v1/", StringComparison.Ordinal) is true)
                (operation.Responses ??= []).TryAdd("503", new OpenApiResponse { Description = "The store of runs does not answer; Retry-After says when to try again." });
            return Task.CompletedTask;
        })
        .AddDocumentTransformer((document, _, _) =>
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
