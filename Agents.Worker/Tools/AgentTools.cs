using System.Net;
using System.Text.Json;
using ModelContextProtocol;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace Agents.Worker.Tools;

/// <summary>The tools of one agent, over one connection to the gateway that may be lost and found again.</summary>
/// <remarks>
/// <see cref="ConnectAsync"/> and <see cref="DisposeAsync"/> belong to the agent's loop and never run beside a call.
/// <see cref="CallAsync"/> may run many times in parallel; all it changes is <c>_lost</c>, which only ever goes from null to a reason until the
/// next <see cref="ConnectAsync"/>. A call that fails because the gateway is gone makes the calls after it fail at once.
/// </remarks>
internal sealed partial class AgentTools(
    Func<CancellationToken, Task<McpClient>> connect, ToolFilter filter, ToolOptions options, TimeProvider time, ILogger<AgentTools> logger) : IAsyncDisposable
{
    private static readonly TimeSpan MaxReconnectDelay = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan RefusedPause = TimeSpan.FromMilliseconds(250);

    private static readonly TimeSpan CloseTime = TimeSpan.FromSeconds(2);

    private McpClient? _client;
    private string? _lost = "not connected yet";
    private int _failures;
    private long _failedAt;

    /// <summary>The tools the agent may use now; empty without the gateway.</summary>
    public IReadOnlyList<McpClientTool> Available { get; private set; } = [];

    /// <summary>Why there is no gateway now; null when there is one.</summary>
    public string? Unavailable => Volatile.Read(ref _lost);

    /// <summary>Whether calling the tool twice does no harm, as it says itself.</summary>
    public bool IsRepeatable(string tool) =>
        Available.FirstOrDefault(t => t.Name == tool)?.ProtocolTool.Annotations is { } says && (says.ReadOnlyHint is true || says.IdempotentHint is true);

    /// <summary>Connects if there is no connection and the pause after the last failure is over. Never throws but for cancellation.</summary>
    public async Task ConnectAsync(CancellationToken cancellationToken)
    {
        if (Unavailable is null || !IsDue()) return;
        using var timeout = new CancellationTokenSource(options.ConnectTimeout, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            await CloseAsync().ConfigureAwait(false);
            _client = await OpenAsync(linked.Token).ConfigureAwait(false);
            Available = await ToolListing.ReadAsync(_client, filter, time, linked.Token).ConfigureAwait(false);
            _failures = 0;
            Volatile.Write(ref _lost, null);
        }
        catch (Exception error) when (error is not OutOfMemoryException && !cancellationToken.IsCancellationRequested)
        {
            _failures++;
            _failedAt = time.GetTimestamp();
            Available = [];
            Lose(timeout.IsCancellationRequested ? $"no answer within {options.ConnectTimeout.TotalSeconds:0} s (Tools:ConnectTimeout)" : Reason(error));
        }
    }

    /// <summary>
    /// Opens a connection. At an agent's first one a gateway that is just being started again is waited for: without any tool the agent
    /// would end at once with nothing, and a few seconds' outage would empty the whole queue that way.
    /// </summary>
    private async Task<McpClient> OpenAsync(CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        while (true)
        {
            try
            {
                return await connect(cancellationToken).ConfigureAwait(false);
            }
            catch (Exception error) when (_failures == 0 && IsRefused(error) && time.GetElapsedTime(started) < options.StartPatience)
            {
                await Task.Delay(RefusedPause, time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private static bool IsRefused(Exception error) =>
        error is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError } || (error.InnerException is { } inner && IsRefused(inner));

    /// <summary>Calls a tool. Whatever goes wrong becomes a result that tells the model; only cancellation throws.</summary>
    public async Task<ToolOutcome> CallAsync(string tool, JsonElement arguments, CancellationToken cancellationToken)
    {
        if (Unavailable is not null || _client is not { } client)
            return ToolOutcome.Error($"The tool gateway is unavailable ({Unavailable}). This call was not made.");
        using var timeout = new CancellationTokenSource(options.CallTimeout, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            var request = new CallToolRequestParams { Name = tool, Arguments = arguments.EnumerateObject().ToDictionary(p => p.Name, p => p.Value) };
            return ToolOutcome.Of(await client.CallToolAsync(request, linked.Token).ConfigureAwait(false));
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }
        catch (Exception) when (timeout.IsCancellationRequested)
        {
            return ToolOutcome.Error($"{tool} gave no result within {options.CallTimeout.TotalSeconds:0} s (Tools:CallTimeout). It may or may not have done its work.");
        }
        catch (Exception error) when (IsLoss(error))
        {
            Lose(Reason(error));
            return ToolOutcome.Error($"The tool gateway was lost during this call ({Unavailable}). Whether the call did its work is unknown. Go on with what you have.");
        }
        catch (Exception error) when (error is McpProtocolException or HttpRequestException or JsonException or InvalidOperationException)
        {
            return ToolOutcome.Error($"{tool} failed: {error.Message}");
        }
    }

    public async ValueTask DisposeAsync() => await CloseAsync().ConfigureAwait(false);

    // A protocol error is an answer; everything that says the other side is not there any more is a loss. The SDK reports a stream that ended
    // without the reply as a plain McpException, and some losses as a cancellation.
    private static bool IsLoss(Exception error) => error switch
    {
        McpProtocolException => false,
        McpException => true,
        HttpRequestException { StatusCode: { } status } => status is HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout or HttpStatusCode.NotFound,
        HttpRequestException or IOException or OperationCanceledException or ObjectDisposedException => true,
        _ => error.InnerException is { } inner && IsLoss(inner),
    };

    private static string Reason(Exception error) => error.GetBaseException() is { } cause && cause != error ? $"{error.Message} ({cause.Message})" : error.Message;

    private bool IsDue()
    {
        if (_failures == 0) return true;
        var pause = options.ReconnectDelay * Math.Pow(2, Math.Min(_failures - 1, 10));
        return time.GetElapsedTime(_failedAt) >= (pause < MaxReconnectDelay ? pause : MaxReconnectDelay);
    }

    private void Lose(string reason)
    {
        if (Interlocked.Exchange(ref _lost, reason) is null or "not connected yet") LogLost(reason);
    }

    private async Task CloseAsync()
    {
        if (Interlocked.Exchange(ref _client, null) is not { } client) return;
        // Closing tells the gateway; a gateway that is gone cannot be told.
        try
        {
            await client.DisposeAsync().AsTask().WaitAsync(CloseTime, time).ConfigureAwait(false);
        }
        catch (Exception error) when (error is HttpRequestException or IOException or OperationCanceledException or McpException or TimeoutException)
        {
            LogCloseFailed(error.Message);
        }
    }

    [LoggerMessage(LogLevel.Warning, "The tool gateway is unavailable: {Reason}")]
    private partial void LogLost(string reason);

    [LoggerMessage(LogLevel.Debug, "Closing the connection to the tool gateway failed: {Reason}")]
    private partial void LogCloseFailed(string reason);
}
