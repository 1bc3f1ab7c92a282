using System.Globalization;

namespace Benchmarks.Servers;

/// <summary>nginx as a reverse proxy with kept connections to the upstream: the least that any proxy costs.</summary>
internal sealed class Nginx : IAsyncDisposable
{
    private readonly ChildProcess _process;
    private readonly TemporaryDirectory _directory;

    private Nginx(ChildProcess process, TemporaryDirectory directory, Uri address) => (_process, _directory, Address) = (process, directory, address);

    public Uri Address { get; }

    public int Id => _process.Id;

    /// <summary>Starts it in front of the upstream; null when this machine has none.</summary>
    public static async Task<Nginx?> StartAsync(Uri upstream, CancellationToken cancellationToken)
    {
        if (Programs.Nginx() is not { } program) return null;
        var directory = new TemporaryDirectory();
        var port = Ports.Free();
        var config = directory.Write("nginx.conf", Configuration(directory.FullPath, port, upstream));
        var process = ChildProcess.Start(program, ["-p", directory.FullPath, "-c", config, "-g", "daemon off;"]);
        await Ports.WaitAsync(port, cancellationToken);
        return new Nginx(process, directory, new Uri($"http://127.0.0.1:{port.ToString(CultureInfo.InvariantCulture)}"));
    }

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        _directory.Dispose();
    }

    private static string Configuration(string directory, int port, Uri upstream) =>
        $$"""
        pid {{directory}}/nginx.pid;
        error_log stderr warn;
        worker_processes auto;
        events { worker_connections 1024; }
        http {
          access_log off;
          client_body_temp_path {{directory}}/body;
          proxy_temp_path {{directory}}/proxy;
          fastcgi_temp_path {{directory}}/fastcgi;
          uwsgi_temp_path {{directory}}/uwsgi;
          scgi_temp_path {{directory}}/scgi;
          keepalive_requests 100000000;
          upstream fast {
            server {{upstream.Authority}};
            keepalive 128;
            keepalive_requests 100000000;
          }
          server {
            listen 127.0.0.1:{{port.ToString(CultureInfo.InvariantCulture)}};
            location / {
              proxy_pass http://fast;
              proxy_http_version 1.1;
              proxy_set_header Connection "";
            }
          }
        }
        """;
}
