using Agents.Api.Webhooks;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds what tells runs' clients.</summary>
internal static class WebhookServices
{
    public static IServiceCollection AddWebhooks(this IServiceCollection services)
    {
        services.AddOptions<WebhookOptions>().BindConfiguration(WebhookOptions.Section).ValidateOnStart();
        return services
            .AddSingleton<IValidateOptions<WebhookOptions>, WebhookOptionsValidation>()
            .AddSingleton<WebhookAddresses>()
            .AddSingleton<WebhookRules>()
            .AddSingleton<WebhookClient>()
            .AddHostedService<WebhookSender>();
    }
}
