using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Testing;

namespace ServiceDefaults.Tests;

/// <summary>A small service on the defaults, listening on a free loopback port.</summary>
internal sealed class TestService : IAsyncDisposable
{
    private TestService(WebApplication app, RecordedLogs logs)
    {
        App = app;
        Logs = logs;
        Client = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
    }

    public WebApplication App { get; }
    public RecordedLogs Logs { get; }
    public HttpClient Client { get; }

    public static async Task<TestService> StartAsync(
        Dictionary<string, string?>? settings = null,
        Action<WebApplicationBuilder>? add = null,
        Action<WebApplication>? map = null)
    {
        var logs = new RecordedLogs();
        var app = Build(settings, builder =>
        {
            builder.Logging.AddProvider(logs);
            add?.Invoke(builder);
        }, map);
        await app.StartAsync();
        return new TestService(app, logs);
    }

    /// <summary>The service before its start.</summary>
    public static WebApplication Build(
        Dictionary<string, string?>? settings = null,
        Action<WebApplicationBuilder>? add = null,
        Action<WebApplication>? map = null,
        string url = "http://127.0.0.1:0")
    {
        var builder = WebApplication.CreateBuilder();
        builder.Configuration.AddInMemoryCollection(settings ?? []);
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(url);
        builder.AddServiceDefaults().AddCallerGuard();
        add?.Invoke(builder);
        var app = builder.Build();
        app.UseCallerGuard();
        app.MapDefaultEndpoints();
        map?.Invoke(app);
        return app;
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await App.DisposeAsync();
    }
}
