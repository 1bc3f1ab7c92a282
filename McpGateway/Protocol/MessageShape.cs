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

    /// <summary><c>params.protocolVersion</c> of an <c>initialize</c>.</summary>
    public ByteRange InitializeVersion;

    public ByteRange Result;

    /// <summary><c>result.resultType</c>.</summary>
    public ByteRange ResultType;

    public ByteRange Error;

    /// <summary><c>error.code</c>; 0 when there is none.</summary>
    public int ErrorCode;

    /// <summary>Where the outermost object's closing brace stands.</summary>
    public int Close;
}
