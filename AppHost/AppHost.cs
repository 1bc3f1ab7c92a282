var builder = DistributedApplication.CreateBuilder(args);
var gateway = builder.AddProject<Projects.McpGateway>("mcp-gateway");
var worker = builder.AddProject<Projects.Agents_Worker>("agents-worker").WithReference(gateway).WaitFor(gateway);
builder.AddProject<Projects.Agents_Api>("agents-api").WaitFor(worker);
await builder.Build().RunAsync();
