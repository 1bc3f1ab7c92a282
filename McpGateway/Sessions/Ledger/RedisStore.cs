using McpGateway.Upstreams;
using StackExchange.Redis;

namespace McpGateway.Sessions.Ledger;

/// <summary>
/// The connection to Redis. Made in the background at the first use and kept by the client library, which connects again by
/// itself. Nobody waits long for it: what does not answer in time is unavailable.
/// </summary>
internal sealed class RedisStore : IAsyncDisposable
{
    /// <summary>First part of every key. The braces keep all keys in one slot of a cluster, which the scripts need.</summary>
    public const string Prefix = "{mcp-gateway}:";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);

    private readonly ConfigurationOptions _options;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private Task<ConnectionMultiplexer>? _connection;
    private bool _disposed;

    /// <exception cref="GatewayConfigurationException">The connection string cannot be read. It is not shown, as it may hold a password.</exception>
    public RedisStore(string connectionString, TimeProvider time)
    {
        _time = time;
        try
        {
            _options = ConfigurationOptions.Parse(connectionString);
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException or OverflowException)
        {
            throw new GatewayConfigurationException(["ConnectionStrings:cache cannot be read. Write it as host:port,password=…,ssl=true; leave it out to keep the state in SQLite."]);
        }

        // A server that is down when the gateway starts is connected to when it comes.
        _options.AbortOnConnectFail = false;
        _options.ConnectTimeout = (int)s_patience.TotalMilliseconds;
        _options.ClientName = "mcp-gateway";
    }

    /// <summary>Runs commands.</summary>
    /// <exception cref="LedgerUnavailableException">Redis is not reached, refuses, or does not answer in time.</exception>
    public async Task<T> RunAsync<T>(Func<IDatabase, Task<T>> work, CancellationToken cancellationToken)
    {
        try
        {
            var connection = await Connect().WaitAsync(s_patience, _time, cancellationToken);
            return await OnceMoreWithoutScript(() => work(connection.GetDatabase())).WaitAsync(s_patience, _time, cancellationToken);
        }
        catch (Exception exception) when (exception is RedisException or TimeoutException or ObjectDisposedException or System.Net.Sockets.SocketException or System.Security.Authentication.AuthenticationException)
        {
            throw new LedgerUnavailableException($"Redis does not answer: {exception.Message}", exception);
        }
    }

    /// <summary>Runs a script that changes or reads several keys at once.</summary>
    public Task<RedisResult> EvaluateAsync(string script, RedisKey[] keys, RedisValue[] values, CancellationToken cancellationToken) =>
        RunAsync(database => database.ScriptEvaluateAsync(script, keys, values), cancellationToken);

    /// <summary>Calls back whenever something is published on the channel. The client library subscribes again after a loss; what was published meanwhile is not told.</summary>
    /// <exception cref="LedgerUnavailableException">Redis is not reached, refuses, or does not answer in time.</exception>
    public async Task SubscribeAsync(string channel, Action published, CancellationToken cancellationToken) => await RunAsync(async database =>
    {
        await database.Multiplexer.GetSubscriber().SubscribeAsync(channel, (_, _) => published());
        return true;
    }, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        Task<ConnectionMultiplexer>? connection;
        lock (_lock) (connection, _connection, _disposed) = (_connection, null, true);
        if (connection is null) return;
        try
        {
            await (await connection.WaitAsync(s_patience, _time)).CloseAsync(allowCommandsToComplete: false);
        }
        catch (Exception exception) when (exception is RedisException or TimeoutException or ObjectDisposedException)
        {
            // It never was connected, or is not any more: nothing to close.
        }
    }

    private Task<ConnectionMultiplexer> Connect()
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_connection is null || _connection.IsFaulted || _connection.IsCanceled)
            {
                // The connection must not live in the trace of whoever asked first.
                using (ExecutionContext.SuppressFlow()) _connection = Task.Run(() => ConnectionMultiplexer.ConnectAsync(_options));
            }

            return _connection;
        }
    }

    /// <summary>A server that was restarted has forgotten the scripts; the library notices by this error and sends the text again.</summary>
    private static async Task<T> OnceMoreWithoutScript<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (RedisServerException exception) when (exception.Message.StartsWith("NOSCRIPT", StringComparison.Ordinal))
        {
            return await work();
        }
    }
}
