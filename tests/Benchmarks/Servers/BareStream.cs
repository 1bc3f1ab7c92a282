using System.Text;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Benchmarks.Servers;

/// <summary>The least that a stream of server-sent events costs: Kestrel, one event, and a comment every ten seconds.</summary>
internal static class BareStream
{
    public const string Role = "serve-stream";

    private static readonly byte[] s_event = Encoding.ASCII.GetBytes("id: 1\nevent: run.state\ndata: {}\n\n");
    private static readonly byte[] s_ping = Encoding.ASCII.GetBytes(": ping\n\n");

    /// <summary>What the process of that role runs.</summary>
    public static async Task<int> RunAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        await using var app = builder.Build();
        app.Run(SendAsync);
        await app.StartAsync();
        Console.WriteLine(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        await app.WaitForShutdownAsync();
        return 0;
    }

    private static async Task SendAsync(HttpContext context)
    {
        context.Response.ContentType = "text/event-stream";
        await context.Response.BodyWriter.WriteAsync(s_event, context.RequestAborted);
        while (true)
        {
            await Task.Delay(TimeSpan.FromSeconds(10), TimeProvider.System, context.RequestAborted);
            await context.Response.BodyWriter.WriteAsync(s_ping, context.RequestAborted);
        }
    }
}
