using System.Net.Sockets;
using System.Security.Authentication;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using StackExchange.Redis;

namespace Agents.Runs;

/// <summary>
/// The Redis server that holds the runs, with one connection per process. Whatever is asked is asked again while the server is away, up to
/// <see cref="Patience"/>: each script and command here does nothing when it is done a second time. Nothing blocks on the connection, which
/// everybody shares; who waits is woken by what other processes publish, and once a second in any case, as a published message may be lost.
/// </summary>
internal sealed partial class RedisDatabase : IAsyncDisposable
{
    /// <summary>The version of the keys and of what is in them. An older program refuses a newer one's. 2: approvals, which an older worker would not wait for.</summary>
    public const int Version = 2;

    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Sweep = TimeSpan.FromSeconds(1);

    // What a server says that cannot serve now and will again.
    private static readonly string[] Passing = ["LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "BUSY ", "NOREPLICAS"];

    private readonly ConfigurationOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private readonly PeriodicTimer _sweep;
    private readonly Task _sweeping;
    private Task<ConnectionMultiplexer>? _connection;
    private bool _disposed;
    private int _away;

    /// <exception cref="InvalidOperationException">The connection string cannot be read. It is not shown, as it may hold a password.</exception>
    public RedisDatabase(string connectionString, IOptions<RunStorageOptions> options, TimeProvider time, ILogger<RedisDatabase> logger)
    {
        (_time, _logger) = (time, logger);
        Options = options.Value;
        Keys = new RedisKeys(Options.Tenant);
        try
        {
            _options = ConfigurationOptions.Parse(connectionString);
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException or OverflowException)
        {
            throw new InvalidOperationException("ConnectionStrings:cache cannot be read. Write it as host:port,password=…,ssl=true; leave it out to keep runs in SQLite.");
        }

        _options.AbortOnConnectFail = true;
        _options.ConnectTimeout = (int)AnswerTime.TotalMilliseconds;
        _options.ClientName = "agents-runs";
        _sweep = new PeriodicTimer(Sweep, time);
        _sweeping = SweepAsync();
    }

    /// <summary>How long a server that is away is waited for: longer than a restart, shorter than a lease.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(10);

    public RunStorageOptions Options { get; }

    public RedisKeys Keys { get; }

    /// <summary>Wakes readers in this process, whichever process wrote.</summary>
    public ChangeSignals Changes { get; } = new();

    /// <summary>Tests: called before everything that is sent, and may throw as if the process ended there.</summary>
    public Action? BeforeSend { get; set; }

    /// <summary>Runs commands, again while the server is away. They must do no harm when they are done twice.</summary>
    /// <exception cref="RunStoreUnavailableException">The server was away for longer than <see cref="Patience"/>, or refuses.</exception>
    /// <exception cref="InvalidOperationException">A newer version of the program wrote what is there.</exception>
    public async Task<T> RunAsync<T>(Func<IDatabase, Task<T>> work, CancellationToken cancellationToken)
    {
        var started = _time.GetTimestamp();
        while (true)
        {
            try
            {
                BeforeSend?.Invoke();
                var connection = await Connect().WaitAsync(AnswerTime, _time, cancellationToken).ConfigureAwait(false);
                var answer = await OnceMoreWithoutScript(() => work(connection.GetDatabase())).WaitAsync(AnswerTime, _time, cancellationToken).ConfigureAwait(false);
                if (Interlocked.Exchange(ref _away, 0) != 0) LogBack();
                return answer;
            }
            catch (Exception error) when (IsAway(error))
            {
                if (Interlocked.Exchange(ref _away, 1) == 0) LogAway(error.Message);
                if (_time.GetElapsedTime(started) >= Patience) throw Unavailable(error);
            }
            catch (RedisServerException error) when (IsRefusal(error))
            {
                throw Unavailable(error);
            }

            await Task.Delay(Pause, _time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Runs a script, again while the server is away.</summary>
    public Task<RedisResult> EvaluateAsync(string script, RedisKey[] keys, RedisValue[] values, CancellationToken cancellationToken) =>
        RunAsync(database => database.ScriptEvaluateAsync(script, keys, values), cancellationToken);

    public async ValueTask DisposeAsync()
    {
        Task<ConnectionMultiplexer>? connection;
        lock (_lock) (connection, _connection, _disposed) = (_connection, null, true);
        _sweep.Dispose();
        await _sweeping.ConfigureAwait(false);
        if (connection is null) return;
        try
        {
            await (await connection.WaitAsync(AnswerTime, _time).ConfigureAwait(false)).CloseAsync(allowCommandsToComplete: false).ConfigureAwait(false);
        }
        catch (Exception exception) when (IsAway(exception) || exception is InvalidOperationException)
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
                using (ExecutionContext.SuppressFlow()) _connection = Task.Run(OpenAsync);
            }

            return _connection;
        }
    }

    private async Task<ConnectionMultiplexer> OpenAsync()
    {
        var connection = await ConnectionMultiplexer.ConnectAsync(_options).ConfigureAwait(false);
        try
        {
            var found = (long)await connection.GetDatabase().ScriptEvaluateAsync(RedisScripts.Schema, [Keys.Schema], [Version]).ConfigureAwait(false);
            if (found > Version)
            {
                throw new InvalidOperationException(
                    $"The runs in Redis (tenant '{Options.Tenant}') were written by a newer version of this program (schema {found}; this one knows {Version}). " +
                    "Start the newer version, or give this one another Runs:Tenant.");
            }

            await connection.GetSubscriber().SubscribeAsync(Keys.Changes, (_, topic) => Changes.Raise(topic!)).ConfigureAwait(false);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private async Task SweepAsync()
    {
        while (await _sweep.WaitForNextTickAsync().ConfigureAwait(false)) Changes.RaiseAll();
    }

    /// <summary>A server that was restarted has forgotten the scripts; the library notices by this error and sends the text again.</summary>
    private static async Task<T> OnceMoreWithoutScript<T>(Func<Task<T>> work)
    {
        try
        {
            return await work().ConfigureAwait(false);
        }
        catch (RedisServerException exception) when (exception.Message.StartsWith("NOSCRIPT", StringComparison.Ordinal))
        {
            return await work().ConfigureAwait(false);
        }
    }

    private static bool IsAway(Exception error) => error switch
    {
        RedisServerException server => Passing.Any(word => server.Message.StartsWith(word, StringComparison.Ordinal)),
        RedisException or TimeoutException or SocketException or IOException or AuthenticationException => true,
        _ => false,
    };

    // Anything else a server says is a fault of the program.
    private static bool IsRefusal(RedisServerException error) =>
        error.Message.Split(' ')[0] is "OOM" or "MISCONF" or "NOAUTH" or "WRONGPASS" or "NOPERM";

    private static RunStoreUnavailableException Unavailable(Exception error) => new($"Redis does not answer: {error.Message}", error);

    [LoggerMessage(LogLevel.Warning, "Redis does not answer; it is asked again: {Reason}")]
    private partial void LogAway(string reason);

    [LoggerMessage(LogLevel.Information, "Redis answers again")]
    private partial void LogBack();
}
