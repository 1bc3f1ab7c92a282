using Agents.Worker.Loop;
using Agents.Worker.Runs;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds what takes runs from the queue and works on them.</summary>
internal static class DispatchServices
{
    public static IServiceCollection AddDispatch(this IServiceCollection services)
    {
        services.AddOptions<WorkerOptions>().BindConfiguration(WorkerOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<WorkerOptions>, WorkerOptionsValidation>();
        services.AddOptions<LoopOptions>().BindConfiguration(LoopOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<LoopOptions>, LoopOptionsValidation>();
        services.AddSingleton<AgentSlots>();
        services.AddSingleton<AgentRunner>();
        services.AddSingleton<RunExecution>();
        services.AddHostedService<RunDispatcher>();
        return services;
    }
}
