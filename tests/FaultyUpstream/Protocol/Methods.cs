namespace FaultyUpstream.Protocol;

/// <summary>Methods the server knows, and the names under which HTTP requests without a message are counted and matched.</summary>
internal static class Methods
{
    public const string Initialize = "initialize";
    public const string Initialized = "notifications/initialized";
    public const string Cancelled = "notifications/cancelled";
    public const string Discover = "server/discover";
    public const string Listen = "subscriptions/listen";
    public const string Ping = "ping";
    public const string ToolsList = "tools/list";
    public const string ToolsCall = "tools/call";

    /// <summary>A GET: the standalone stream of a session, or a resumed answer.</summary>
    public const string Get = "GET";

    /// <summary>A DELETE: the client ends its session.</summary>
    public const string Delete = "DELETE";

    /// <summary>An answer of the client to a request of the server.</summary>
    public const string Answer = "(answer)";
}
