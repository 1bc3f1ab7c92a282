using System.Net;
using System.Net.Sockets;

namespace Benchmarks.Servers;

/// <summary>Ports for programs that cannot be told to take any free one.</summary>
internal static class Ports
{
    public static int Free()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Waits until somebody listens on a loopback port.</summary>
    public static Task WaitAsync(int port, CancellationToken cancellationToken) => Eventually.SeesAsync(() => AnswersAsync(port, cancellationToken), answers => answers);

    private static async Task<bool> AnswersAsync(int port, CancellationToken cancellationToken)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, port, cancellationToken);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
