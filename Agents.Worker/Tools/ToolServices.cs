using Agents.Worker.Tools;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the way to the tools.</summary>
internal static class ToolServices
{
    public static IServiceCollection AddTools(this IServiceCollection services)
    {
        services.AddOptions<ToolOptions>().BindConfiguration(ToolOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<ToolOptions>, ToolOptionsValidation>();
        services.AddSingleton<GatewayTools>();
        // To the SDK a lost gateway is an error with a stack trace, once per agent; AgentTools says the same in a sentence, and goes on.
        services.AddLogging(logging => logging.AddFilter("ModelContextProtocol.Client", LogLevel.Critical));
        // A tool call must never be repeated by a handler that cannot know what it did; each call has its own time-out.
#pragma warning disable EXTEXP0001 // The only way to leave the standard handler out of one client.
        services.AddHttpClient(GatewayTools.HttpClientName).RemoveAllResilienceHandlers();
#pragma warning restore EXTEXP0001
        return services;
    }
}
