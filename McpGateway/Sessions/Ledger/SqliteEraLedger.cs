using System.Globalization;
using McpGateway.Protocol;
using McpGateway.Upstreams;

namespace McpGateway.Sessions.Ledger;

/// <summary>Eras in <c>gateway.db</c>.</summary>
internal sealed class SqliteEraLedger(GatewayDatabase database) : IEraLedger
{
    public Task<EraMemory?> FindAsync(string upstream, string fingerprint, CancellationToken cancellationToken) => Task.FromResult(
        database.Read(
            row => Enum.TryParse<McpEra>(row.GetString(0), out var era) && Enum.TryParse<UpstreamTransport>(row.GetString(1), out var transport)
                ? new EraMemory(era, transport, DateTimeOffset.Parse(row.GetString(2), CultureInfo.InvariantCulture))
                : null,
            "SELECT era, transport, decided_at FROM upstream_era WHERE upstream = $upstream AND fingerprint = $fingerprint",
            ("$upstream", upstream), ("$fingerprint", fingerprint)).FirstOrDefault());

    public Task SaveAsync(string upstream, string fingerprint, EraMemory memory, CancellationToken cancellationToken) => Task.FromResult(database.Write(db => db.Execute(
        """
        INSERT INTO upstream_era (upstream, fingerprint, era, transport, decided_at) VALUES ($upstream, $fingerprint, $era, $transport, $at)
        ON CONFLICT (upstream) DO UPDATE SET fingerprint = $fingerprint, era = $era, transport = $transport, decided_at = $at
        """,
        ("$upstream", upstream), ("$fingerprint", fingerprint), ("$era", memory.Era.ToString()), ("$transport", memory.Transport.ToString()),
        ("$at", memory.DecidedAt.ToString("O", CultureInfo.InvariantCulture)))));

    public Task ForgetAsync(string upstream, CancellationToken cancellationToken) =>
        Task.FromResult(database.Write(db => db.Execute("DELETE FROM upstream_era WHERE upstream = $upstream", ("$upstream", upstream))));
}
