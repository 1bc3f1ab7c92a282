using Agents.Runs;
using Microsoft.Extensions.Options;

namespace Agents.Api.Webhooks;

/// <summary>
/// Delivers what is in the outbox, some messages at a time, as long as the service runs. Every process of the Api has one; who took a message holds
/// it for longer than an attempt may last. A message that a process takes along when it ends is due again after that.
/// </summary>
internal sealed partial class WebhookSender(
    IWebhookOutbox outbox, IRunStore store, WebhookClient client, IOptions<WebhookOptions> options, TimeProvider time, ILogger<WebhookSender> logger) : BackgroundService
{
    private const int Parallel = 8;

    private static readonly TimeSpan Round = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(2);

    private readonly WebhookOptions _options = options.Value;
    private readonly SemaphoreSlim _places = new(Parallel);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Nothing can be signed; what an earlier configuration left waits for the next one.
        if (_options.Secrets.Count == 0)
            return;
        using var timer = new PeriodicTimer(Round, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                while (await TakeAsync(stoppingToken) is { } delivery)
                    _ = DeliverAsync(delivery, stoppingToken);
            }
            catch (Exception error) when (!stoppingToken.IsCancellationRequested)
            {
                LogTakeFailed(error);
            }
        }
    }

    private async Task<WebhookDelivery?> TakeAsync(CancellationToken stoppingToken)
    {
        await _places.WaitAsync(stoppingToken);
        WebhookDelivery? delivery = null;
        try
        {
            return delivery = await outbox.TakeAsync(_options.Timeout + Margin, stoppingToken);
        }
        finally
        {
            if (delivery is null)
                _places.Release();
        }
    }

    private async Task DeliverAsync(WebhookDelivery delivery, CancellationToken stoppingToken)
    {
        try
        {
            // A run that was deleted owes nobody anything.
            var run = await store.GetAsync(delivery.RunId, stoppingToken);
            if (run is { Webhook.Url: { } url } && WebhookMessage.BodyOf(delivery, run) is { } body)
                await SendAsync(delivery, new Uri(url), body, stoppingToken);
            else
                await outbox.CompleteAsync(delivery.Id, stoppingToken);
        }
        catch (Exception error)
        {
            // It is due again when its hold is over.
            if (!stoppingToken.IsCancellationRequested)
                LogBroken(error, delivery.Id);
        }
        finally
        {
            _places.Release();
        }
    }

    private async Task SendAsync(WebhookDelivery delivery, Uri url, byte[] body, CancellationToken stoppingToken)
    {
        var result = await client.SendAsync(delivery.Id, url, body, stoppingToken);
        if (result.Delivered)
        {
            LogDelivered(delivery.Id, url.Host, delivery.Attempt);
            // Not cancelled by the service's end, which would send it twice.
            await outbox.CompleteAsync(delivery.Id, CancellationToken.None);
        }
        else if (result.Final || delivery.Attempt >= _options.MaxAttempts)
        {
            LogGivenUp(delivery.Id, url.Host, delivery.Attempt, result.Reason!);
            await outbox.CompleteAsync(delivery.Id, stoppingToken);
        }
        else
        {
            var pause = Pause(delivery.Attempt, result.RetryAfter);
            LogFailed(delivery.Id, url.Host, delivery.Attempt, result.Reason!, pause);
            await outbox.RetryAsync(delivery.Id, pause, stoppingToken);
        }
    }

    /// <summary>Doubled with each attempt, by up to a fifth longer so that what failed together does not come back together.</summary>
    private TimeSpan Pause(int attempt, TimeSpan? asked)
    {
        var pause = _options.RetryDelay * Math.Pow(2, Math.Min(attempt - 1, 30)) * (1 + (Random.Shared.NextDouble() / 5));
        if (asked > pause)
            pause = asked.Value;
        return pause < _options.MaxRetryDelay ? pause : _options.MaxRetryDelay;
    }

    [LoggerMessage(LogLevel.Information, "Webhook {Message} was delivered to {Host} at attempt {Attempt}")]
    private partial void LogDelivered(string message, string host, int attempt);

    [LoggerMessage(LogLevel.Warning, "Webhook {Message} to {Host} failed at attempt {Attempt}: {Reason}; it is sent again in {Pause}")]
    private partial void LogFailed(string message, string host, int attempt, string reason, TimeSpan pause);

    [LoggerMessage(LogLevel.Error, "Webhook {Message} to {Host} is given up after attempt {Attempt}: {Reason}")]
    private partial void LogGivenUp(string message, string host, int attempt, string reason);

    [LoggerMessage(LogLevel.Error, "Webhook {Message} could not be handled; it is tried again")]
    private partial void LogBroken(Exception error, string message);

    [LoggerMessage(LogLevel.Error, "No webhook could be taken from the outbox; it is tried again")]
    private partial void LogTakeFailed(Exception error);
}
