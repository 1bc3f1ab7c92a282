using McpGateway.Calls.Inputs;
using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Upstreams;

namespace McpGateway.Calls;

/// <summary>One request of a client on its way to one upstream.</summary>
/// <param name="Message">The request as it came; stays valid until the call ends.</param>
/// <param name="Shape">Its scan.</param>
/// <param name="Era">How the client speaks.</param>
/// <param name="Upstream">Where it goes.</param>
/// <param name="UpstreamName">The tool's or prompt's name there as text, if it differs from the one in the message.</param>
/// <param name="Key">Who calls.</param>
/// <param name="Parameters">Headers <c>Mcp-Param-*</c> of the request.</param>
/// <param name="Answer">Where its messages go.</param>
internal sealed record GatewayCall(
    ReadOnlyMemory<byte> Message,
    MessageShape Shape,
    McpEra Era,
    Upstream Upstream,
    string? UpstreamName,
    SessionKey Key,
    IReadOnlyList<KeyValuePair<string, string>>? Parameters,
    AnswerWriter Answer)
{
    /// <summary>The trace that the HTTP request names; null for none.</summary>
    public CallTrace? Trace { get; init; }

    /// <summary>The client behind a legacy session, which can be asked and told things; null for a modern one, which is asked in results.</summary>
    public ClientPeer? Peer { get; init; }

    /// <summary>What the client has declared to be able to answer, and the operator allows for this upstream.</summary>
    public ClientCapabilities Capabilities { get; init; }

    public ReadOnlyMemory<byte> ClientId => Shape.Id.Of(Message);

    public string MethodName => Shape.Method == McpMethod.ToolsCall ? McpMethodNames.ToolsCall : JsonText.Read(Shape.MethodName.Of(Message.Span)) ?? "";

    /// <summary>Where the name stands that <see cref="UpstreamName"/> takes the place of.</summary>
    public ByteRange NameRange => Shape.Method == McpMethod.Complete ? Shape.RefName : Shape.Name;

    /// <summary><c>params.name</c> or <c>params.uri</c> as the upstream knows it.</summary>
    public string? Target => Shape.Method == McpMethod.Complete ? null : UpstreamName ?? JsonText.Read((Shape.Name.IsEmpty ? Shape.Uri : Shape.Name).Of(Message.Span));
}
