using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Http.Resilience;
using Microsoft.Extensions.Options;

#pragma warning disable EXTEXP0001 // Our own types, marked as the package marks them.

namespace Microsoft.Extensions.DependencyInjection
{
    public static class ResilienceHttpClientBuilderExtensions
    {
        private const string StandardIdentifier = "standard";

        public static IHttpStandardResiliencePipelineBuilder AddStandardResilienceHandler(
            this IHttpClientBuilder builder, Action<HttpStandardResilienceOptions> configure)
        {
            ArgumentNullException.ThrowIfNull(configure);
            var pipeline = builder.AddStandardResilienceHandler();
            pipeline.Services.Configure(pipeline.PipelineName, configure);
            return pipeline;
        }

        public static IHttpStandardResiliencePipelineBuilder AddStandardResilienceHandler(this IHttpClientBuilder builder)
        {
            ArgumentNullException.ThrowIfNull(builder);
            var services = builder.Services;
            // The defaults of all clients (ConfigureHttpClientDefaults) have no name.
            var name = string.IsNullOrEmpty(builder.Name) ? StandardIdentifier : $"{builder.Name}-{StandardIdentifier}";
            services.AddOptions<HttpStandardResilienceOptions>(name).ValidateOnStart();
            services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<HttpStandardResilienceOptions>, HttpStandardResilienceOptionsValidator>());
            services.TryAddSingleton(TimeProvider.System);
            services.TryAddSingleton<ResiliencePipelines>();
            // The pipeline has the time limits.
            builder.ConfigureHttpClient(client => client.Timeout = Timeout.InfiniteTimeSpan);
            builder.AddHttpMessageHandler(provider => new ResilienceHandler(provider.GetRequiredService<ResiliencePipelines>().Selector(name)));
            return new StandardPipeline(name, services);
        }

        /// <summary>The client sends each request once, without time limit, however many handlers were added before.</summary>
        [Experimental("EXTEXP0001")]
        public static IHttpClientBuilder RemoveAllResilienceHandlers(this IHttpClientBuilder builder)
        {
            ArgumentNullException.ThrowIfNull(builder);
            return builder.ConfigureAdditionalHttpMessageHandlers((handlers, _) =>
            {
                foreach (var handler in handlers.OfType<ResilienceHandler>().ToList()) handlers.Remove(handler);
            });
        }

        private sealed record StandardPipeline(string PipelineName, IServiceCollection Services) : IHttpStandardResiliencePipelineBuilder;
    }
}

namespace Microsoft.Extensions.Http.Resilience
{
    public interface IHttpStandardResiliencePipelineBuilder
    {
        string PipelineName { get; }

        IServiceCollection Services { get; }
    }

    public static class HttpStandardResiliencePipelineBuilderExtensions
    {
        /// <summary>A pipeline, and so a breaker, for each scheme, host and port; else one dead host stops the calls to all.</summary>
        public static IHttpStandardResiliencePipelineBuilder SelectPipelineByAuthority(this IHttpStandardResiliencePipelineBuilder builder)
        {
            ArgumentNullException.ThrowIfNull(builder);
            builder.Services.Configure<PipelineSelection>(builder.PipelineName, selection =>
                selection.Key = request => request.RequestUri?.GetLeftPart(UriPartial.Authority) ?? "");
            return builder;
        }
    }
}
