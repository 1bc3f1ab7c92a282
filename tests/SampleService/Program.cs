// A service that behaves as its environment says: what the tests of the app host start, crash and stop.
using System.Runtime.InteropServices;

if (Environment.GetEnvironmentVariable("SAMPLE_EXIT_CODE") is { } exitCode)
{
    Console.Error.WriteLine("sample: the database is missing");
    return int.Parse(exitCode, System.Globalization.CultureInfo.InvariantCulture);
}

using var deaf = Environment.GetEnvironmentVariable("SAMPLE_IGNORES_SIGTERM") is null
    ? null
    : PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => context.Cancel = true);
var builder = WebApplication.CreateBuilder(args);
if (deaf is not null)
    builder.Services.AddSingleton<IHostLifetime, EndlessLifetime>();
var app = builder.Build();
var readyFile = Environment.GetEnvironmentVariable("SAMPLE_READY_FILE");
app.MapGet("/health", () => readyFile is null || File.Exists(readyFile) ? Results.Ok() : Results.StatusCode(StatusCodes.Status503ServiceUnavailable));
app.MapGet("/id", () => Environment.ProcessId);
app.MapGet("/environment", () => Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>().ToDictionary(entry => (string)entry.Key, entry => (string?)entry.Value));
app.MapPost("/crash", (int code) => Environment.Exit(code));
Console.WriteLine("sample: started");
await app.RunAsync();
return 0;

/// <summary>A host that no signal stops.</summary>
internal sealed class EndlessLifetime : IHostLifetime
{
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
