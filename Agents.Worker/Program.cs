using ServiceDefaults.Storage;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddCallerGuard(guard => guard.HealthOnly = true);
builder.AddStorageDirectory();
builder.Services.AddRuns(services => services.GetRequiredService<StorageDirectory>().FullPath, builder.Configuration.GetConnectionString("cache"));
builder.Services.AddModels();
builder.Services.AddAgents();
builder.Services.AddTools();
builder.Services.AddDispatch();

var app = builder.Build();
app.UseCallerGuard();
app.MapDefaultEndpoints();
return await app.RunServiceAsync();
