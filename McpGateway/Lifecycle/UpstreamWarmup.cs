using McpGateway.Sessions;
using McpGateway.Upstreams;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.FileProviders.Physical;
using Microsoft.Extensions.Primitives;

namespace McpGateway.Lifecycle;

/// <summary>
/// Reads the upstreams at start, when the rest of the configuration is known to be right
/// (<see cref="Microsoft.AspNetCore.Builder.ConfigurationCheck"/>), and begins to open sessions, without waiting for them: a dead upstream
/// must not keep the gateway from being ready for the others. Follows changes of the file; one that cannot be used changes nothing.
/// </summary>
internal sealed class UpstreamWarmup(UpstreamSource source, UpstreamRegistry registry, PoolMetrics metrics, TimeProvider time, ILogger<UpstreamWarmup> logger) : IHostedService, IDisposable
{
    /// <summary>Editors write a file in several steps; it is read when it has been quiet for this long.</summary>
    private static readonly TimeSpan s_settle = TimeSpan.FromMilliseconds(300);

    private PhysicalFileProvider? _files;
    private IDisposable? _watch;
    private ITimer? _reload;

    /// <exception cref="GatewayConfigurationException">The file has changed since it was checked, and cannot be used.</exception>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        Load();
        metrics.Observe(() => registry.All);
        _reload = time.CreateTimer(_ => Reload(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        if (Path.GetDirectoryName(source.File) is { } directory && Directory.Exists(directory))
        {
            _files = new PhysicalFileProvider(directory, ExclusionFilters.None);
            _watch = ChangeToken.OnChange(() => _files.Watch(Path.GetFileName(source.File)), () => _reload.Change(s_settle, Timeout.InfiniteTimeSpan));
        }

        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        Dispose();
        return Task.CompletedTask;
    }

    public void Dispose()
    {
        _watch?.Dispose();
        _files?.Dispose();
        _reload?.Dispose();
    }

    private void Load()
    {
        var configs = source.Read();
        registry.Replace(File.Exists(source.File) ? source.File : "configuration", configs);
    }

    private void Reload()
    {
        try
        {
            Load();
        }
        catch (GatewayConfigurationException exception)
        {
            logger.ReloadRefused(source.File, string.Concat(exception.Failures.Select(error => $"{Environment.NewLine}  - {error}")));
        }
        catch (Exception exception)
        {
            // On a timer's thread it would end the gateway.
            logger.ReloadRefused(source.File, $" {exception.Message}");
        }
    }
}
