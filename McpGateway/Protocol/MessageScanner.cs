using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace McpGateway.Protocol;

/// <summary>
/// Finds, in one <see cref="Utf8JsonReader"/> pass and without building a tree, the parts of a JSON-RPC message that are
/// spliced on the way through. A known member that appears twice, or in another letter case, is refused: two parsers
/// must never read two different things out of one message.
/// </summary>
internal ref struct MessageScanner
{
    private const int MaxDepth = 128;
    private const string VersionRule = "The member jsonrpc must be \"2.0\".";

    private Utf8JsonReader _reader;
    private MessageShape _shape;
    private ByteRange _version;
    private bool _hasNullId;

    private MessageScanner(ReadOnlySpan<byte> message)
    {
        _reader = new Utf8JsonReader(message, new JsonReaderOptions { MaxDepth = MaxDepth });
    }

    /// <summary>Scans one message.</summary>
    /// <exception cref="MessageRefusedException">It is no JSON, no JSON-RPC 2.0 message, or ambiguous.</exception>
    public static MessageShape Scan(ReadOnlySpan<byte> message)
    {
        if (!Utf8.IsValid(message)) throw new MessageRefusedException(RpcErrorCode.ParseError, "The body is not valid UTF-8.");
        var scanner = new MessageScanner(message);
        try
        {
            return scanner.Read();
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // The second kind is half a surrogate pair, escaped, in a member's name: JSON by its grammar, but no text.
            throw new MessageRefusedException(RpcErrorCode.ParseError, $"The body is not valid JSON: {exception.Message}");
        }
    }

    private MessageShape Read()
    {
        if (!_reader.Read() || _reader.TokenType != JsonTokenType.StartObject)
            throw Refuse(_reader.TokenType == JsonTokenType.StartArray
                ? "A batch was sent; send one message per request (batches ended with revision 2025-06-18)."
                : "A JSON-RPC message is one JSON object.");

        while (NextMember())
        {
            if (Is("jsonrpc"u8)) ReadVersion();
            else if (Is("id"u8)) ReadId();
            else if (Is("method"u8)) ReadMethod();
            else if (Is("params"u8)) ReadParams();
            else if (Is("result"u8)) ReadResult();
            else if (Is("error"u8)) ReadError();
            else SkipValue();
        }

        _shape.Close = (int)_reader.TokenStartIndex;
        if (_reader.Read()) throw Refuse("There is more than one JSON value in the body.");
        if (_version.IsEmpty) throw Refuse(VersionRule);
        _shape.Kind = Classify();
        return _shape;
    }

    private readonly MessageKind Classify()
    {
        var isCall = _shape.Method != McpMethod.None;
        // JSON-RPC allows null only in an error answer to a request that could not be read.
        if (isCall && _hasNullId) throw Refuse("The member id must be a string or an integer, not null; a notification has none.");
        var answers = (_shape.Result.IsEmpty ? 0 : 1) + (_shape.Error.IsEmpty ? 0 : 1);
        return (isCall, answers) switch
        {
            (true, 0) => _shape.Id.IsEmpty ? MessageKind.Notification : MessageKind.Request,
            (false, 1) when !_shape.Error.IsEmpty => MessageKind.Error,
            (false, 1) when !_shape.Id.IsEmpty => MessageKind.Result,
            _ => throw Refuse("A message has either a method, or an id with exactly one of result and error."),
        };
    }

    private void ReadVersion()
    {
        Once(_version, "jsonrpc");
        _reader.Read();
        if (_reader.TokenType != JsonTokenType.String || !_reader.ValueTextEquals("2.0"u8)) throw Refuse(VersionRule);
        _version = TokenRange();
    }

    private void ReadId()
    {
        Once(_shape.Id, "id");
        if (_hasNullId) throw Refuse("The member id appears twice.");
        _reader.Read();
        _hasNullId = _reader.TokenType == JsonTokenType.Null;
        if (_hasNullId) return;
        var isInteger = _reader.TokenType == JsonTokenType.Number && _reader.ValueSpan.IndexOfAny(".eE"u8) < 0;
        if (!isInteger && _reader.TokenType != JsonTokenType.String) throw Refuse("The member id must be a string or an integer.");
        _shape.Id = TokenRange();
    }

    private void ReadMethod()
    {
        Once(_shape.MethodName, "method");
        _reader.Read();
        if (_reader.TokenType != JsonTokenType.String) throw Refuse("The member method must be a string.");
        if (_reader.ValueSpan.IsEmpty) throw Refuse("The member method is empty.");
        _shape.MethodName = TokenRange();
        _shape.Method = McpMethodNames.Read(ref _reader);
    }

    private void ReadParams()
    {
        Once(_shape.Params, "params");
        if (!EnterObject(out var start)) { _shape.Params = SkipFrom(start); return; }
        while (NextMember())
        {
            if (Is("_meta"u8)) { Once(_shape.Meta, "_meta"); ReadRequestMeta(); }
            else if (Is("name"u8)) _shape.Name = ReadValue(_shape.Name, "name");
            else if (Is("uri"u8)) _shape.Uri = ReadValue(_shape.Uri, "uri");
            else if (Is("progressToken"u8)) _shape.ProgressToken = ReadValue(_shape.ProgressToken, "progressToken");
            else if (Is("cursor"u8)) _shape.Cursor = ReadValue(_shape.Cursor, "cursor");
            else if (Is("ref"u8)) ReadReference();
            else if (Is("requestId"u8)) _shape.RequestId = ReadValue(_shape.RequestId, "requestId");
            else if (Is("protocolVersion"u8)) _shape.InitializeVersion = ReadValue(_shape.InitializeVersion, "protocolVersion");
            else if (Is("capabilities"u8)) _shape.InitializeCapabilities = ReadValue(_shape.InitializeCapabilities, "capabilities");
            else if (Is("inputResponses"u8)) _shape.InputResponses = ReadValue(_shape.InputResponses, "inputResponses");
            else if (Is("requestState"u8)) _shape.RequestState = ReadValue(_shape.RequestState, "requestState");
            else if (Is("task"u8)) _shape.Task = ReadValue(_shape.Task, "task");
            else if (Is("level"u8)) _shape.Level = ReadValue(_shape.Level, "level");
            else SkipValue();
        }

        _shape.Params = new ByteRange(start, (int)_reader.BytesConsumed);
    }

    /// <summary>Only of requests for a completion; other methods of the same member are none of the gateway's business.</summary>
    private void ReadReference()
    {
        if (!EnterObject(out var start)) { SkipFrom(start); return; }
        while (NextMember())
        {
            if (Is("name"u8)) _shape.RefName = ReadValue(_shape.RefName, "name");
            else if (Is("uri"u8)) _shape.RefUri = ReadValue(_shape.RefUri, "uri");
            else SkipValue();
        }
    }

    private void ReadRequestMeta()
    {
        if (!EnterObject(out var start)) { _shape.Meta = SkipFrom(start); return; }
        while (NextMember())
        {
            if (Is("progressToken"u8)) _shape.AskedProgressToken = ReadValue(_shape.AskedProgressToken, "progressToken");
            else if (Is("io.modelcontextprotocol/protocolVersion"u8)) _shape.EnvelopeVersion = ReadValue(_shape.EnvelopeVersion, "io.modelcontextprotocol/protocolVersion");
            else if (Is("io.modelcontextprotocol/clientCapabilities"u8)) _shape.EnvelopeCapabilities = ReadValue(_shape.EnvelopeCapabilities, "io.modelcontextprotocol/clientCapabilities");
            else if (Is("io.modelcontextprotocol/logLevel"u8)) _shape.EnvelopeLogLevel = ReadValue(_shape.EnvelopeLogLevel, "io.modelcontextprotocol/logLevel");
            else if (Is("io.modelcontextprotocol/subscriptionId"u8)) _shape.SubscriptionId = ReadValue(_shape.SubscriptionId, "io.modelcontextprotocol/subscriptionId");
            else if (Is("internal.mcp-gateway/affinity"u8)) _shape.Affinity = ReadValue(_shape.Affinity, "internal.mcp-gateway/affinity");
            else SkipValue();
        }

        _shape.Meta = new ByteRange(start, (int)_reader.BytesConsumed);
    }

    private void ReadResult()
    {
        Once(_shape.Result, "result");
        if (!EnterObject(out var start)) { _shape.Result = SkipFrom(start); return; }
        while (NextMember())
        {
            if (Is("_meta"u8)) _shape.Meta = ReadValue(_shape.Meta, "_meta");
            else if (Is("resultType"u8)) _shape.ResultType = ReadValue(_shape.ResultType, "resultType");
            else if (_reader.ValueTextEquals("isError"u8)) ReadToolError();
            else SkipValue();
        }

        _shape.Result = new ByteRange(start, (int)_reader.BytesConsumed);
    }

    /// <summary>Only measured by, never acted on, and so no reason to refuse a message.</summary>
    private void ReadToolError()
    {
        _reader.Read();
        _shape.IsToolError = _reader.TokenType == JsonTokenType.True;
        _reader.Skip();
    }

    private void ReadError()
    {
        Once(_shape.Error, "error");
        if (!EnterObject(out var start)) { _shape.Error = SkipFrom(start); return; }
        while (NextMember())
        {
            var isCode = Is("code"u8);
            _reader.Read();
            if (isCode && _reader.TokenType == JsonTokenType.Number && _reader.TryGetInt32(out var code)) _shape.ErrorCode = code;
            _reader.Skip();
        }

        _shape.Error = new ByteRange(start, (int)_reader.BytesConsumed);
    }

    private ByteRange ReadValue(ByteRange before, string member)
    {
        Once(before, member);
        _reader.Read();
        return SkipFrom((int)_reader.TokenStartIndex);
    }

    private bool EnterObject(out int start)
    {
        _reader.Read();
        start = (int)_reader.TokenStartIndex;
        return _reader.TokenType == JsonTokenType.StartObject;
    }

    private bool NextMember() => _reader.Read() && _reader.TokenType == JsonTokenType.PropertyName;

    private void SkipValue()
    {
        if (_reader.TokenType == JsonTokenType.PropertyName) _reader.Read();
        _reader.Skip();
    }

    private ByteRange SkipFrom(int start)
    {
        _reader.Skip();
        return new ByteRange(start, (int)_reader.BytesConsumed);
    }

    private readonly ByteRange TokenRange() => new((int)_reader.TokenStartIndex, (int)_reader.BytesConsumed);

    private readonly bool Is(ReadOnlySpan<byte> member)
    {
        if (_reader.ValueTextEquals(member)) return true;
        var differsInCase = _reader.ValueIsEscaped
            ? Encoding.UTF8.GetString(member).Equals(_reader.GetString(), StringComparison.OrdinalIgnoreCase)
            : Ascii.EqualsIgnoreCase(_reader.ValueSpan, member);
        if (differsInCase) throw Refuse($"The member {_reader.GetString()} is spelled {Encoding.UTF8.GetString(member)}.");
        return false;
    }

    private static void Once(ByteRange range, string member)
    {
        if (!range.IsEmpty) throw Refuse($"The member {member} appears twice.");
    }

    private static MessageRefusedException Refuse(string reason) => new(RpcErrorCode.InvalidRequest, reason);
}

/// <summary>A message that cannot be taken, with the JSON-RPC error to answer.</summary>
internal sealed class MessageRefusedException(int code, string message) : Exception(message)
{
    public int Code { get; } = code;
}
