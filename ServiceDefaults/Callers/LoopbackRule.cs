using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace ServiceDefaults.Callers;

/// <summary>
/// Without authentication a service listens on loopback only. Kestrel applies endpoint defaults to every listener, wherever it is
/// configured (urls, ports, <c>Kestrel:Endpoints</c>, code), before the first socket is bound: so nothing is ever open by mistake.
/// </summary>
internal sealed class LoopbackRule(IOptions<CallerGuardOptions> options) : IConfigureOptions<KestrelServerOptions>
{
    // The options are read when a listener is bound: Kestrel is built before wrong options are reported, all at once, at start.
    public void Configure(KestrelServerOptions kestrel) => kestrel.ConfigureEndpointDefaults(Require);

    private void Require(ListenOptions listener)
    {
        if (options.Value.HealthOnly || IsLocal(listener.EndPoint)) return;
        throw new InvalidOperationException(
            $"This service will not listen on {listener}: no authentication is configured, so it answers on loopback only. " +
            "Set --urls (or ASPNETCORE_URLS) to a loopback address such as http://127.0.0.1:5000; to be reached from other machines, " +
            "put a reverse proxy that authenticates its callers in front of it on this machine and name its host in CallerGuard:AllowedHosts.");
    }

    private static bool IsLocal(EndPoint endpoint) => endpoint switch
    {
        IPEndPoint ip => IPAddress.IsLoopback(ip.Address),
        UnixDomainSocketEndPoint or NamedPipeEndPoint => true,
        // An inherited socket (file handle) does not tell what it is bound to.
        _ => false,
    };
}
