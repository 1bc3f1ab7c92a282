using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Agents.Api.Tests.Hosting;

/// <summary>A client's server on loopback that takes webhooks. What it checks is written from the specification, not from the sender.</summary>
internal sealed class WebhookReceiver : IAsyncDisposable
{
    public const string Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    private readonly WebApplication _app;
    private readonly Func<int, HttpContext, Task> _answer;
    private int _count;

    private WebhookReceiver(WebApplication app, Func<int, HttpContext, Task> answer) => (_app, _answer) = (app, answer);

    internal sealed record Message(string Path, string Id, string Timestamp, string Signature, string Body, IReadOnlyDictionary<string, string> Headers)
    {
        public JsonElement Json => JsonSerializer.Deserialize<JsonElement>(Body);

        public string Expected => "v1," + Convert.ToBase64String(
            HMACSHA256.HashData(Convert.FromBase64String(Secret["whsec_".Length..]), Encoding.UTF8.GetBytes($"{Id}.{Timestamp}.{Body}")));
    }

    public ConcurrentQueue<Message> Messages { get; } = new();

    public string Url { get; private set; } = "";

    /// <param name="answer">Answers the n-th message, from 1; null takes all.</param>
    public static async Task<WebhookReceiver> StartAsync(Func<int, HttpContext, Task>? answer = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var receiver = new WebhookReceiver(builder.Build(), answer ?? ((_, _) => Task.CompletedTask));
        receiver._app.Run(receiver.TakeAsync);
        await receiver._app.StartAsync();
        receiver.Url = $"{receiver._app.Urls.Single()}/hook";
        return receiver;
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource(TimeSpan.Zero, TimeProvider.System);
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
    }

    private async Task TakeAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var body = await reader.ReadToEndAsync(context.RequestAborted);
        var headers = context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase);
        Messages.Enqueue(new Message(context.Request.Path, headers["webhook-id"], headers["webhook-timestamp"], headers["webhook-signature"], body, headers));
        await _answer(Interlocked.Increment(ref _count), context);
    }
}
