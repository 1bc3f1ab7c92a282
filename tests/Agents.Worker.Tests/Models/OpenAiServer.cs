using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Agents.Worker.Tests.Models;

/// <summary>A model's server on a free port that writes exactly the bytes a test gives it.</summary>
internal sealed class OpenAiServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private OpenAiServer(WebApplication app) => _app = app;

    internal sealed record Request(string Path, JsonElement Body, string? Authorization, string? ApiKey, string? AnthropicKey);

    public ConcurrentQueue<Request> Requests { get; private init; } = new();

    public string BaseUrl => _app.Urls.Single() + "/v1";

    /// <param name="answer">Answers the n-th request, 1, 2, 3 ….</param>
    public static async Task<OpenAiServer> StartAsync(Func<int, HttpContext, Task> answer)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var requests = new ConcurrentQueue<Request>();
        var count = 0;
        app.MapPost("/{**path}", async context =>
        {
            var body = await JsonSerializer.DeserializeAsync<JsonElement>(context.Request.Body, cancellationToken: context.RequestAborted);
            var request = new Request(context.Request.Path + context.Request.QueryString, body, context.Request.Headers.Authorization, context.Request.Headers["api-key"], context.Request.Headers["x-api-key"]);
            requests.Enqueue(request);
            context.Features.Set(request);
            await answer(Interlocked.Increment(ref count), context);
        });
        await app.StartAsync();
        return new OpenAiServer(app) { Requests = requests };
    }

    /// <summary>Answers every request with these bytes as a stream of events.</summary>
    public static Task<OpenAiServer> StreamingAsync(string stream) => StartAsync((_, context) => StreamAsync(context, stream));

    public static async Task StreamAsync(HttpContext context, string stream)
    {
        context.Response.ContentType = "text/event-stream";
        await context.Response.WriteAsync(stream);
    }

    /// <summary>Writes the bytes and, once they were heard, breaks the connection.</summary>
    public static async Task BreakAsync(HttpContext context, string stream, Func<bool> heard)
    {
        await StreamAsync(context, stream);
        await context.Response.Body.FlushAsync();
        await Eventually.HoldsAsync(heard);
        context.Abort();
    }

    public static async Task RefuseAsync(HttpContext context, int status, string body, string? retryAfter = null)
    {
        context.Response.StatusCode = status;
        if (retryAfter is not null) context.Response.Headers.RetryAfter = retryAfter;
        await context.Response.WriteAsync(body);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
