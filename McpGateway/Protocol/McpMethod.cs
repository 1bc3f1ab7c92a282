using System.Collections.Frozen;
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
    PromptsGet,
    PromptsList,
    ResourcesRead,
    ResourcesList,
    ResourceTemplatesList,
    ResourcesSubscribe,
    ResourcesUnsubscribe,
    SetLevel,
    Complete,
    CreateMessage,
    Elicit,
    RootsList,
    LogMessage,
    ResourceUpdated,
    PromptsListChanged,
    ResourcesListChanged,
    RootsListChanged,
    ElicitationComplete,
    TaskStatus,
    SubscriptionAcknowledged,
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
    public const string PromptsGet = "prompts/get";
    public const string PromptsList = "prompts/list";
    public const string ResourcesRead = "resources/read";
    public const string ResourcesList = "resources/list";
    public const string ResourceTemplatesList = "resources/templates/list";
    public const string ResourcesSubscribe = "resources/subscribe";
    public const string ResourcesUnsubscribe = "resources/unsubscribe";
    public const string SetLevel = "logging/setLevel";
    public const string Complete = "completion/complete";
    public const string CreateMessage = "sampling/createMessage";
    public const string Elicit = "elicitation/create";
    public const string RootsList = "roots/list";
    public const string LogMessage = "notifications/message";
    public const string ResourceUpdated = "notifications/resources/updated";
    public const string PromptsListChanged = "notifications/prompts/list_changed";
    public const string ResourcesListChanged = "notifications/resources/list_changed";
    public const string RootsListChanged = "notifications/roots/list_changed";
    public const string ElicitationComplete = "notifications/elicitation/complete";
    public const string TaskStatus = "notifications/tasks/status";
    public const string SubscriptionAcknowledged = "notifications/subscriptions/acknowledged";

    /// <summary>True for a notification that a list is not what it was.</summary>
    public static bool IsListChange(McpMethod method) => method is McpMethod.ToolsListChanged or McpMethod.PromptsListChanged or McpMethod.ResourcesListChanged;

    public static string OfListChange(McpMethod list) => list switch
    {
        McpMethod.ToolsListChanged => ToolsListChanged,
        McpMethod.PromptsListChanged => PromptsListChanged,
        McpMethod.ResourcesListChanged => ResourcesListChanged,
        _ => throw new ArgumentOutOfRangeException(nameof(list), list, "It is no change of a list."),
    };

    /// <summary>The methods of the specification that clients send; any other could be made up.</summary>
    private static readonly FrozenSet<string> s_wellKnown = FrozenSet.Create(
        StringComparer.Ordinal,
        Initialize, Discover, Ping, ToolsList, ToolsCall, PromptsList, PromptsGet, ResourcesList, ResourcesRead, ResourceTemplatesList, ResourcesSubscribe, ResourcesUnsubscribe, SetLevel, Complete,
        SubscriptionsListen);

    /// <summary>A method as the attribute of a metric, which must not take as many values as a client can think of.</summary>
    public static string Bounded(string method) => s_wellKnown.Contains(method) ? method : "_OTHER";

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
        _ when reader.ValueTextEquals("prompts/get"u8) => McpMethod.PromptsGet,
        _ when reader.ValueTextEquals("prompts/list"u8) => McpMethod.PromptsList,
        _ when reader.ValueTextEquals("resources/read"u8) => McpMethod.ResourcesRead,
        _ when reader.ValueTextEquals("resources/list"u8) => McpMethod.ResourcesList,
        _ when reader.ValueTextEquals("resources/templates/list"u8) => McpMethod.ResourceTemplatesList,
        _ when reader.ValueTextEquals("resources/subscribe"u8) => McpMethod.ResourcesSubscribe,
        _ when reader.ValueTextEquals("resources/unsubscribe"u8) => McpMethod.ResourcesUnsubscribe,
        _ when reader.ValueTextEquals("logging/setLevel"u8) => McpMethod.SetLevel,
        _ when reader.ValueTextEquals("completion/complete"u8) => McpMethod.Complete,
        _ when reader.ValueTextEquals("sampling/createMessage"u8) => McpMethod.CreateMessage,
        _ when reader.ValueTextEquals("elicitation/create"u8) => McpMethod.Elicit,
        _ when reader.ValueTextEquals("roots/list"u8) => McpMethod.RootsList,
        _ when reader.ValueTextEquals("notifications/message"u8) => McpMethod.LogMessage,
        _ when reader.ValueTextEquals("notifications/resources/updated"u8) => McpMethod.ResourceUpdated,
        _ when reader.ValueTextEquals("notifications/prompts/list_changed"u8) => McpMethod.PromptsListChanged,
        _ when reader.ValueTextEquals("notifications/resources/list_changed"u8) => McpMethod.ResourcesListChanged,
        _ when reader.ValueTextEquals("notifications/roots/list_changed"u8) => McpMethod.RootsListChanged,
        _ when reader.ValueTextEquals("notifications/elicitation/complete"u8) => McpMethod.ElicitationComplete,
        _ when reader.ValueTextEquals("notifications/tasks/status"u8) => McpMethod.TaskStatus,
        _ when reader.ValueTextEquals("notifications/subscriptions/acknowledged"u8) => McpMethod.SubscriptionAcknowledged,
        _ => McpMethod.Other,
    };
}
