using Agents.Worker.Models;
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
        // Not from the factory: its clients carry a retry handler, and there is one retry layer only. The client's own time-outs apply.
        IChatClient client = options.Value.EffectiveProvider == ModelOptions.OpenAi
            ? new OpenAiChatClient(new HttpClient(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromMinutes(5) }) { Timeout = Timeout.InfiniteTimeSpan }, options, time)
            : new OfflineChatClient();
        return new TelemetryChatClient(client, options.Value.EffectiveModel, time);
    }
}
