using System.Text.Json;

namespace McpGateway.Protocol;

/// <summary>The methods the gateway treats by name; every other one is <see cref="Other"/> and passes through.</summary>
internal enum McpMethod
{
    None,
    Other,
    Initialize,
    Initialized,
    Discover,
    Ping,
    ToolsList,
    ToolsCall,
    Progress,
    Cancelled,
    ToolsListChanged,
    SubscriptionsListen,
}

/// <summary>Wire names of <see cref="McpMethod"/>.</summary>
internal static class McpMethodNames
{
    public const string Initialize = "initialize";
    public const string Initialized = "notifications/initialized";
    public const string Discover = "server/discover";
    public const string Ping = "ping";
    public const string ToolsList = "tools/list";
    public const string ToolsCall = "tools/call";
    public const string Progress = "notifications/progress";
    public const string Cancelled = "notifications/cancelled";
    public const string ToolsListChanged = "notifications/tools/list_changed";
    public const string SubscriptionsListen = "subscriptions/listen";

    public static McpMethod Read(ref Utf8JsonReader reader) => true switch
    {
        _ when reader.ValueTextEquals("tools/call"u8) => McpMethod.ToolsCall,
        _ when reader.ValueTextEquals("tools/list"u8) => McpMethod.ToolsList,
        _ when reader.ValueTextEquals("notifications/progress"u8) => McpMethod.Progress,
        _ when reader.ValueTextEquals("notifications/cancelled"u8) => McpMethod.Cancelled,
        _ when reader.ValueTextEquals("server/discover"u8) => McpMethod.Discover,
        _ when reader.ValueTextEquals("initialize"u8) => McpMethod.Initialize,
        _ when reader.ValueTextEquals("notifications/initialized"u8) => McpMethod.Initialized,
        _ when reader.ValueTextEquals("notifications/tools/list_changed"u8) => McpMethod.ToolsListChanged,
        _ when reader.ValueTextEquals("ping"u8) => McpMethod.Ping,
        _ when reader.ValueTextEquals("subscriptions/listen"u8) => McpMethod.SubscriptionsListen,
        _ => McpMethod.Other,
    };
}
