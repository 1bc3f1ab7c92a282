using McpGateway.Endpoints.Streams;
using McpGateway.Sessions.Ledger;
using Microsoft.Extensions.Options;

namespace McpGateway.Upstreams;

/// <summary>The gateway's own settings, under <c>Gateway</c>.</summary>
internal sealed class GatewayOptions
{
    public const string Section = "Gateway";

    /// <summary>File in the <c>mcpServers</c> format; a relative path is beside the gateway. Default <c>mcp.json</c>, which may be absent; a file named here must exist.</summary>
    public string? ConfigFile { get; set; }

    /// <summary>Largest message taken from clients and upstreams: 1 KiB to 256 MiB, default 16 MiB.</summary>
    public int MessageLimit { get; set; } = 16 * 1024 * 1024;

    /// <summary>How long a stopping gateway waits for calls under way: 0 to 10 min, default 20 s.</summary>
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>How long a client's session lives without a request: 1 min to 7 days, default 30 min.</summary>
    public TimeSpan SessionIdleTimeout { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>Client sessions at most; the least recently used one goes: 1 to 1 000 000, default 10 000.</summary>
    public int MaxSessions { get; set; } = 10_000;

    /// <summary>Events that one session's streams keep for a client that lost its connection: 1 to 100 000, default 256.</summary>
    public int ResumeEvents { get; set; } = 256;

    /// <summary>Bytes of these events: 1 KiB to 256 MiB, default 1 MiB. An answer that nobody has fetched is kept even if it is larger.</summary>
    public int ResumeBytes { get; set; } = 1024 * 1024;

    /// <summary>How long a call's stream is kept after its answer: 1 s to 24 h, default 5 min.</summary>
    public TimeSpan ResumeTimeout { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>How long a list is served without asking the upstream again: 1 s to 24 h, default 5 min.</summary>
    public TimeSpan CatalogueTtl { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>Entries of a list in one answer; for the rest the client gets a cursor: 1 to 10 000, default 1 000.</summary>
    public int PageSize { get; set; } = 1000;

    /// <summary>How long a stopped gateway's sessions wait for another gateway before they are ended: 0 (end them at the stop) to 1 h, default 2 min.</summary>
    public TimeSpan ParkTimeout { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>How long after its last sign of life a gateway counts as dead, and others may take or end its sessions: 2 s to 10 min, default 15 s.</summary>
    public TimeSpan OwnerTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>The keys under <c>Gateway:Keys</c>; null where none can be configured.</summary>
    internal SealingKeyOptions? Keys { get; set; }

    /// <summary>What is under <c>Gateway:Callers</c>.</summary>
    internal CallerRules Callers { get; set; } = CallerRules.None;

    /// <summary>Values that cannot be read; the defaults stand in for them, so that <see cref="Check"/> can name what else is wrong.</summary>
    private IReadOnlyList<string> Unreadable { get; init; } = [];

    internal StreamBounds StreamBounds => new(ResumeEvents, ResumeBytes);

    /// <summary>An entry outlives its owner for an hour: then the upstream has long ended the session by itself.</summary>
    internal LedgerTimes LedgerTimes => new(OwnerTimeout, Entry: TimeSpan.FromHours(1) + ParkTimeout);

    /// <summary>Reads what is under <c>Gateway</c>. Never throws: what is wrong is for <see cref="Check"/> to say, all at once.</summary>
    public static GatewayOptions Read(IConfiguration configuration)
    {
        var values = new GatewayValues(configuration.GetSection(Section));
        var options = new GatewayOptions
        {
            ConfigFile = configuration[$"{Section}:{nameof(ConfigFile)}"],
            Keys = SealingKeyOptions.Read(configuration),
            Callers = CallerRules.Read(configuration),
            Unreadable = values.Errors,
        };
        options.MessageLimit = values.Bytes(nameof(MessageLimit), options.MessageLimit);
        options.DrainTimeout = values.Time(nameof(DrainTimeout), options.DrainTimeout);
        options.SessionIdleTimeout = values.Time(nameof(SessionIdleTimeout), options.SessionIdleTimeout);
        options.MaxSessions = values.Number(nameof(MaxSessions), options.MaxSessions);
        options.ResumeEvents = values.Number(nameof(ResumeEvents), options.ResumeEvents);
        options.ResumeBytes = values.Bytes(nameof(ResumeBytes), options.ResumeBytes);
        options.ResumeTimeout = values.Time(nameof(ResumeTimeout), options.ResumeTimeout);
        options.CatalogueTtl = values.Time(nameof(CatalogueTtl), options.CatalogueTtl);
        options.PageSize = values.Number(nameof(PageSize), options.PageSize);
        options.ParkTimeout = values.Time(nameof(ParkTimeout), options.ParkTimeout);
        options.OwnerTimeout = values.Time(nameof(OwnerTimeout), options.OwnerTimeout);
        return options;
    }

    public IEnumerable<string> Check()
    {
        foreach (var error in Unreadable) yield return error;
        foreach (var error in Keys?.Errors ?? []) yield return error;
        foreach (var error in Callers.Errors) yield return error;
        if (ParkTimeout < TimeSpan.Zero || ParkTimeout > TimeSpan.FromHours(1)) yield return $"Gateway:ParkTimeout is {ParkTimeout}; it must be 0 to 01:00:00.";
        if (OwnerTimeout < TimeSpan.FromSeconds(2) || OwnerTimeout > TimeSpan.FromMinutes(10)) yield return $"Gateway:OwnerTimeout is {OwnerTimeout}; it must be 00:00:02 to 00:10:00.";
        if (MessageLimit is < 1024 or > 256 * 1024 * 1024) yield return $"Gateway:MessageLimit is {MessageLimit}; it must be 1024 to 268435456 bytes.";
        if (DrainTimeout < TimeSpan.Zero || DrainTimeout > TimeSpan.FromMinutes(10)) yield return $"Gateway:DrainTimeout is {DrainTimeout}; it must be 0 to 00:10:00.";
        if (SessionIdleTimeout < TimeSpan.FromMinutes(1) || SessionIdleTimeout > TimeSpan.FromDays(7)) yield return $"Gateway:SessionIdleTimeout is {SessionIdleTimeout}; it must be 00:01:00 to 7.00:00:00.";
        if (MaxSessions is < 1 or > 1_000_000) yield return $"Gateway:MaxSessions is {MaxSessions}; it must be 1 to 1000000.";
        if (ResumeEvents is < 1 or > 100_000) yield return $"Gateway:ResumeEvents is {ResumeEvents}; it must be 1 to 100000.";
        if (ResumeBytes is < 1024 or > 256 * 1024 * 1024) yield return $"Gateway:ResumeBytes is {ResumeBytes}; it must be 1024 to 268435456 bytes.";
        if (ResumeTimeout < TimeSpan.FromSeconds(1) || ResumeTimeout > TimeSpan.FromHours(24)) yield return $"Gateway:ResumeTimeout is {ResumeTimeout}; it must be 00:00:01 to 1.00:00:00.";
        if (PageSize is < 1 or > 10_000) yield return $"Gateway:PageSize is {PageSize}; it must be 1 to 10000.";
        if (CatalogueTtl < TimeSpan.FromSeconds(1) || CatalogueTtl > TimeSpan.FromHours(24)) yield return $"Gateway:CatalogueTtl is {CatalogueTtl}; it must be 00:00:01 to 1.00:00:00.";
    }
}

/// <summary>The configuration cannot be used. Carries every error at once.</summary>
internal sealed class GatewayConfigurationException(IEnumerable<string> errors) : OptionsValidationException("Gateway", typeof(GatewayOptions), errors);
