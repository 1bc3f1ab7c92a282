using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Runs a service from <c>Program.cs</c>.</summary>
public static class ServiceRunExtensions
{
    /// <summary>
    /// Runs until the service is asked to stop. A service that cannot start because of its configuration ends with the sentences that
    /// say why and exit code 1, instead of an unhandled exception.
    /// </summary>
    /// <param name="app">The service.</param>
    /// <param name="prepare">Run first, for what may find the configuration wrong as well: middleware, addresses.</param>
    /// <returns>The exit code of the process: 0 after a stop, 1 when the service did not start.</returns>
    public static Task<int> RunServiceAsync(this WebApplication app, Action<WebApplication>? prepare = null)
    {
        ArgumentNullException.ThrowIfNull(app);
        return app.RunServiceAsync(Console.Error, prepare);
    }

    internal static async Task<int> RunServiceAsync(this WebApplication app, TextWriter errors, Action<WebApplication>? prepare = null)
    {
        var name = app.Environment.ApplicationName;
        var started = app.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStarted;
        try
        {
            prepare?.Invoke(app);
            await app.RunAsync();
            return 0;
        }
        catch (Exception error) when (!started.IsCancellationRequested && Sentences(error) is { Count: > 0 } sentences)
        {
            await errors.WriteLineAsync($"{name} did not start:");
            foreach (var sentence in sentences) await errors.WriteLineAsync($"  {sentence}");
            return 1;
        }
    }

    /// <summary>What a person can mend: wrong options, refused or taken addresses, missing files. Anything else is a defect and crashes.</summary>
    private static List<string> Sentences(Exception error) => error switch
    {
        AggregateException many => [.. many.InnerExceptions.SelectMany(Sentences)],
        OptionsValidationException invalid => [.. invalid.Failures],
        InvalidOperationException or IOException => [error.Message],
        _ => [],
    };
}
