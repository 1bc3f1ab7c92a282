using Agents.Api;
using Agents.Api.Catalog;
using Agents.Api.Console;
using Agents.Api.Stream;
using Agents.Api.Submit;
using ServiceDefaults.Storage;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddStorageDirectory();
builder.AddCallerGuard();
builder.Services.AddRuns(provider => provider.GetRequiredService<StorageDirectory>().FullPath, builder.Configuration.GetConnectionString("cache"));
builder.Services.AddCatalog();
builder.Services.AddSubmit();
builder.Services.AddStream();
builder.Services.AddDescription();

var app = builder.Build();
app.UseProblems();
app.UseCallerGuard();
app.MapDefaultEndpoints();
app.MapRuns();
app.MapConversations();
app.MapStream();
app.MapSessions();
app.MapCatalog();
app.MapDescription();
app.MapConsole();
return await app.RunServiceAsync();
