using ConformanceUpstream;
using ConformanceUpstream.Legacy;
using ConformanceUpstream.Modern;
using ConformanceUpstream.Transports;

if (Arguments.AskForHelp(args))
{
    await Console.Out.WriteLineAsync(Arguments.Usage);
    return 0;
}

Arguments arguments;
try
{
    arguments = Arguments.Parse(args);
}
catch (ArgumentException error)
{
    await Console.Error.WriteLineAsync(error.Message);
    return 2;
}

var builder = WebApplication.CreateSlimBuilder();
builder.Logging.ClearProviders();
builder.WebHost.UseUrls(arguments.Urls);
// Streams stay open for ever: a stop does not wait for them.
builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromSeconds(1));
await using var app = builder.Build();
if (arguments.Stdio)
{
    await (arguments.Era == Era.Modern
        ? new ModernStdio(new ModernServer()).RunAsync(Console.OpenStandardInput(), Console.OpenStandardOutput(), app.Lifetime.ApplicationStopping)
        : new LegacyStdio(new LegacyServer()).RunAsync(Console.OpenStandardInput(), Console.OpenStandardOutput(), app.Lifetime.ApplicationStopping));
    return 0;
}

app.Use(LoopbackOnly.RefuseOthersAsync);
if (arguments.Era == Era.Modern)
{
    new ModernHttp(new ModernServer()).Map(app);
}
else
{
    var server = new LegacyServer();
    new StreamableHttp(server).Map(app);
    new HttpSse(server).Map(app);
}

await app.StartAsync();
Console.WriteLine($"Now listening on: {app.Urls.First()}");
await app.WaitForShutdownAsync();
return 0;
