using Microsoft.Extensions.Configuration.Memory;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Tunes the server for calls that only pass through. What each setting gains is in docs/performance.md.</summary>
internal static class CallServerExtensions
{
    public static WebApplicationBuilder AddCallServer(this WebApplicationBuilder builder)
    {
        // A request is read where its bytes arrived, without another turn through the thread pool: nothing on the way blocks.
        builder.WebHost.UseSockets(static sockets => sockets.UnsafePreferInlineScheduling = true);
        builder.WebHost.ConfigureKestrel(static kestrel => kestrel.AddServerHeader = false);
        builder.AddQuietRequests();
        return builder;
    }

    /// <summary>
    /// As long as this category logs at all, ASP.NET Core makes a span and a log scope for each request, and nobody reads them where nothing is
    /// exported. A default: the configuration can set another level.
    /// </summary>
    private static void AddQuietRequests(this WebApplicationBuilder builder)
    {
        if (!string.IsNullOrWhiteSpace(builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"])) return;
        builder.Configuration.Sources.Insert(0, new MemoryConfigurationSource
        {
            InitialData = [KeyValuePair.Create("Logging:LogLevel:Microsoft.AspNetCore.Hosting.Diagnostics", (string?)"None")],
        });
    }
}
