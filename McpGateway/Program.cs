using McpGateway.Lifecycle;

if (GatewayUsage.IsAskedFor(args))
{
    Console.WriteLine(GatewayUsage.Text);
    return 0;
}

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddStorageDirectory();
builder.AddCallerGuard();
builder.AddCallServer();
builder.Services.AddLedger(builder.Configuration);
builder.Services.AddGateway();

var app = builder.Build();
return await app.RunServiceAsync(static app =>
{
    app.CheckConfiguration();
    app.UseCallerGuard();
    app.MapDefaultEndpoints();
    app.MapMcp();
    app.MapOperators();
});
