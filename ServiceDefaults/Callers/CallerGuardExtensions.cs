using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using ServiceDefaults.Callers;

namespace Microsoft.Extensions.Hosting
{
    /// <summary>Registers the caller guard.</summary>
    public static class CallerGuardHostExtensions
    {
        /// <summary>
        /// Adds the caller guard: the service starts on loopback addresses only (unless <see cref="CallerGuardOptions.HealthOnly"/>), and
        /// <see cref="CallerGuardApplicationExtensions.UseCallerGuard"/> then checks Host, Origin and body type of each request.
        /// </summary>
        public static TBuilder AddCallerGuard<TBuilder>(this TBuilder builder, Action<CallerGuardOptions>? configure = null)
            where TBuilder : IHostApplicationBuilder
        {
            ArgumentNullException.ThrowIfNull(builder);
            var services = builder.Services;
            var options = services.AddOptions<CallerGuardOptions>().BindConfiguration(CallerGuardOptions.Section).ValidateOnStart();
            if (configure is not null) options.Configure(configure);
            services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<CallerGuardOptions>, CallerGuardOptionsValidator>());
            services.TryAddEnumerable(ServiceDescriptor.Singleton<IConfigureOptions<KestrelServerOptions>, LoopbackRule>());
            return builder;
        }
    }
}

namespace Microsoft.AspNetCore.Builder
{
    /// <summary>Puts the caller guard into the pipeline.</summary>
    public static class CallerGuardApplicationExtensions
    {
        /// <summary>
        /// Refuses requests with a foreign Host or Origin (403) and bodies that are encoded or not JSON (415), as problem details.
        /// Place it before everything that answers requests.
        /// </summary>
        /// <exception cref="InvalidOperationException"><c>builder.AddCallerGuard()</c> was not called.</exception>
        public static WebApplication UseCallerGuard(this WebApplication app)
        {
            ArgumentNullException.ThrowIfNull(app);
            if (!app.Services.GetServices<IConfigureOptions<KestrelServerOptions>>().Any(rule => rule is LoopbackRule))
                throw new InvalidOperationException("Call builder.AddCallerGuard() before app.UseCallerGuard().");
            app.UseMiddleware<CallerGuard>();
            return app;
        }

        /// <summary>
        /// The endpoint checks content type and encoding of its request bodies itself; Host and Origin are still checked by the guard.
        /// </summary>
        public static TBuilder WithOwnBodyRule<TBuilder>(this TBuilder endpoint)
            where TBuilder : IEndpointConventionBuilder
        {
            ArgumentNullException.ThrowIfNull(endpoint);
            return endpoint.WithMetadata(OwnBodyRule.Instance);
        }
    }
}
