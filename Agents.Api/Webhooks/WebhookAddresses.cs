using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Options;

namespace Agents.Api.Webhooks;

/// <summary>
/// Which addresses a webhook may reach: public ones, and the networks that the operator allows. What a name stands for is found out and judged when
/// the connection is made, and the connection goes to the address that was judged; a name that changes its mind in between gains nothing.
/// </summary>
internal sealed class WebhookAddresses(IOptions<WebhookOptions> options)
{
    // IANA's registries of special-purpose addresses: what is not globally reachable, multicast, and what carries an IPv4 address within.
    private static readonly IPNetwork[] NotPublic =
    [
        .. new[]
        {
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
            "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
        }.Select(IPNetwork.Parse),
    ];

    private static readonly IPNetwork GlobalUnicast = IPNetwork.Parse("2000::/3");

    private readonly List<IPNetwork> _allowed = [.. options.Value.AllowedNetworks.Select(IPNetwork.Parse)];

    /// <summary>Whether a webhook may reach an address.</summary>
    public bool Allows(IPAddress address)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        if (_allowed.Exists(network => network.Contains(plain)))
            return true;
        return (plain.AddressFamily == AddressFamily.InterNetwork || GlobalUnicast.Contains(plain)) && !NotPublic.Any(network => network.Contains(plain));
    }

    /// <summary>Connects to a host, if it has an address that is allowed.</summary>
    /// <exception cref="WebhookRefusedException">It has none.</exception>
    public async ValueTask<System.IO.Stream> ConnectAsync(DnsEndPoint host, CancellationToken cancellationToken)
    {
        var addresses = await Dns.GetHostAddressesAsync(host.Host, cancellationToken);
        var allowed = addresses.Where(Allows).ToArray();
        if (allowed.Length == 0)
            throw new WebhookRefusedException(host.Host);

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(allowed, host.Port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}

/// <summary>A webhook leads where it may not.</summary>
internal sealed class WebhookRefusedException(string host) : Exception(
    $"'{host}' is no public address. If it shall be reached, name its network in Webhooks:AllowedNetworks.");
