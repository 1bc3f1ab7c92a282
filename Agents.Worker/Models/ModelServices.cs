using Agents.Worker.Models;
using Agents.Worker.Models.Anthropic;
using Agents.Worker.Models.Offline;
using Agents.Worker.Models.OpenAi;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the model.</summary>
internal static class ModelServices
{
    public static IServiceCollection AddModels(this IServiceCollection services)
    {
        services.AddOptions<ModelOptions>().BindConfiguration(ModelOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<ModelOptions>, ModelOptionsValidation>();
        services.AddSingleton<IChatClient>(Client);
        services.AddSingleton<ModelTurns>();
        return services;
    }

    private static TelemetryChatClient Client(IServiceProvider provider)
    {
        var options = provider.GetRequiredService<IOptions<ModelOptions>>();
        var time = provider.GetRequiredService<TimeProvider>();
        IChatClient client = options.Value.EffectiveProvider switch
        {
            ModelOptions.OpenAi => new OpenAiChatClient(new HttpClient(Transport()) { Timeout = Timeout.InfiniteTimeSpan }, options, time),
            ModelOptions.Anthropic => new AnthropicChatClient(Transport(), options, time),
            _ => new OfflineChatClient(),
        };
        return new TelemetryChatClient(client, options.Value.EffectiveModel, time);
    }

    // Not from the factory: its clients carry a retry handler, and there is one retry layer only. The clients' own time-outs apply.
    private static SocketsHttpHandler Transport() => new() { PooledConnectionLifetime = TimeSpan.FromMinutes(5) };
}
