#pragma warning disable ASPIREPROBES001 // Probes are still marked as experimental.
using AppHost;

var arguments = AppHostArguments.Parse(args);
if (arguments.WantsHelp)
{
    Console.WriteLine(AppHostArguments.Usage);
    return;
}

var builder = DistributedApplication.CreateBuilder(arguments.Configuration);
var settings = AppHostSettings.Read(arguments, builder.Configuration, builder.AppHostDirectory);
if (settings.Errors.Count > 0)
{
    foreach (var error in settings.Errors)
        Console.Error.WriteLine($"error: {error}");
    Environment.ExitCode = 1;
    return;
}

var cache = builder.AddRedis("cache")
    .WithDataVolume()
    .WithPersistence(TimeSpan.FromSeconds(60), keysChangedThreshold: 100);

var gateway = builder.AddProject<Projects.McpGateway>("mcp-gateway")
    .WithReference(cache).WaitFor(cache)
    .WithHttpProbe(ProbeType.Readiness, "/health", endpointName: "http")
    .WithHttpProbe(ProbeType.Liveness, "/alive", endpointName: "http")
    .WithUrlForEndpoint("http", url => url.DisplayText = "MCP gateway")
    .WithStorage(settings)
    .WithSections("Gateway", "CallerGuard", "Drain")
    .WithRepositories(settings);

var worker = builder.AddProject<Projects.Agents_Worker>("agents-worker")
    .WithReference(cache).WaitFor(cache)
    .WithReference(gateway).WaitFor(gateway)
    .WithReplicas(settings.WorkerReplicas)
    .WithHttpProbe(ProbeType.Readiness, "/health", endpointName: "http")
    .WithHttpProbe(ProbeType.Liveness, "/alive", endpointName: "http")
    .WithUrlForEndpoint("http", url => url.DisplayText = "Worker health")
    .WithStorage(settings)
    .WithSections("Runs", "Worker", "Loop", "Tools", "CallerGuard", "Drain")
    .WithModel(settings);

builder.AddProject<Projects.Agents_Api>("agents-api")
    .WithReference(cache).WaitFor(cache)
    .WaitFor(worker)
    .WithExternalHttpEndpoints()
    .WithHttpProbe(ProbeType.Readiness, "/health", endpointName: "http")
    .WithHttpProbe(ProbeType.Liveness, "/alive", endpointName: "http")
    .WithUrlForEndpoint("http", url => url.DisplayText = "Agents API")
    .WithStorage(settings)
    .WithSections("Runs", "Webhooks", "CallerGuard", "Drain")
    .WithRepositories(settings);

builder.AddPublishing();

await builder.Build().RunAsync();
