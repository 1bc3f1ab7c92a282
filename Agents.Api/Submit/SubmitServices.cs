using Agents.Api.Submit;
using Agents.Runs;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds what takes runs.</summary>
internal static class SubmitServices
{
    public const int MaxBodyBytes = 1024 * 1024;

    public static IServiceCollection AddSubmit(this IServiceCollection services) => services
        .ConfigureHttpJsonOptions(options => RunsJson.Apply(options.SerializerOptions))
        .Configure<KestrelServerOptions>(options => options.Limits.MaxRequestBodySize = MaxBodyBytes)
        .AddSingleton<RunSubmission>()
        .AddSingleton<RunCompletion>();
}
