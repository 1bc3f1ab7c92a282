namespace McpGateway.Protocol;

/// <summary>What a JSON-RPC message is, told by the members it has.</summary>
internal enum MessageKind
{
    Request,
    Notification,
    Result,
    Error,
}

/// <summary>Where a value stands in a message's bytes; empty when it is absent.</summary>
internal readonly record struct ByteRange(int Start, int End)
{
    public bool IsEmpty => End == Start;

    public ReadOnlySpan<byte> Of(ReadOnlySpan<byte> bytes) => bytes[Start..End];

    public ReadOnlyMemory<byte> Of(ReadOnlyMemory<byte> bytes) => bytes[Start..End];
}

/// <summary>
/// Where the parts that the gateway splices stand in one message. Made by <see cref="MessageScanner"/> in one pass;
/// everything not named here is never looked at and passes through byte for byte.
/// </summary>
internal struct MessageShape
{
    public MessageKind Kind;
    public McpMethod Method;

    /// <summary>The method with its quotes.</summary>
    public ByteRange MethodName;

    /// <summary>The id with its quotes, if it has any.</summary>
    public ByteRange Id;

    public ByteRange Params;

    /// <summary><c>params._meta</c> of a request or notification, <c>result._meta</c> of a result.</summary>
    public ByteRange Meta;

    /// <summary><c>params.name</c> with its quotes.</summary>
    public ByteRange Name;

    /// <summary><c>params.uri</c> with its quotes.</summary>
    public ByteRange Uri;

    /// <summary><c>params._meta.progressToken</c>: what a request wants its progress to be told by.</summary>
    public ByteRange AskedProgressToken;

    /// <summary><c>params.progressToken</c> of a progress notification.</summary>
    public ByteRange ProgressToken;

    /// <summary><c>params.requestId</c> of a cancellation.</summary>
    public ByteRange RequestId;

    /// <summary><c>params._meta["io.modelcontextprotocol/protocolVersion"]</c>: its presence makes a request a modern one.</summary>
    public ByteRange EnvelopeVersion;

    /// <summary><c>params._meta["io.modelcontextprotocol/clientCapabilities"]</c> of a modern request.</summary>
    public ByteRange EnvelopeCapabilities;

    /// <summary><c>params._meta["io.modelcontextprotocol/logLevel"]</c>: the least severe log message that a modern request wants to see.</summary>
    public ByteRange EnvelopeLogLevel;

    /// <summary><c>params._meta["io.modelcontextprotocol/subscriptionId"]</c> of a notification: the id of the request that asked for it.</summary>
    public ByteRange SubscriptionId;

    /// <summary><c>params.inputResponses</c>: what a modern client answers to the questions of its last attempt.</summary>
    public ByteRange InputResponses;

    /// <summary><c>params.requestState</c>, which belongs to them.</summary>
    public ByteRange RequestState;

    /// <summary><c>params.task</c>: the request is to be run as a task.</summary>
    public ByteRange Task;

    /// <summary><c>params.level</c> of a log message, or of a request that sets the least severe one.</summary>
    public ByteRange Level;

    /// <summary><c>params.cursor</c> of a request for a list.</summary>
    public ByteRange Cursor;

    /// <summary><c>params.ref.name</c> of a request for a completion: a prompt's, with its quotes.</summary>
    public ByteRange RefName;

    /// <summary><c>params.ref.uri</c> of a request for a completion: a resource template's, with its quotes.</summary>
    public ByteRange RefUri;

    /// <summary><c>params.capabilities</c> of an <c>initialize</c>.</summary>
    public ByteRange InitializeCapabilities;

    /// <summary><c>params._meta["internal.mcp-gateway/affinity"]</c>.</summary>
    public ByteRange Affinity;

    /// <summary><c>params.protocolVersion</c> of an <c>initialize</c>.</summary>
    public ByteRange InitializeVersion;

    public ByteRange Result;

    /// <summary><c>result.resultType</c>.</summary>
    public ByteRange ResultType;

    /// <summary><c>result.isError</c>: a tool says that it failed.</summary>
    public bool IsToolError;

    public ByteRange Error;

    /// <summary><c>error.code</c>; 0 when there is none.</summary>
    public int ErrorCode;

    /// <summary>Where the outermost object's closing brace stands.</summary>
    public int Close;
}
