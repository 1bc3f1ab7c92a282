using System.Text.Json;
using McpGateway.Protocol;
using McpGateway.Sessions;

namespace McpGateway.Calls.Inputs;

/// <summary>Which questions of an upstream a client has declared to be able to answer.</summary>
internal static class QuestionRule
{
    /// <summary>Why the question is refused; null when the client may be asked.</summary>
    /// <param name="method">What is asked.</param>
    /// <param name="parameters">The question's parameters, an object.</param>
    /// <param name="declared">What the client has declared, less what the operator does not allow.</param>
    public static RpcError? Refusal(McpMethod method, ReadOnlySpan<byte> parameters, ClientCapabilities declared) => method switch
    {
        McpMethod.CreateMessage when declared.HasFlag(ClientCapabilities.Sampling) => null,
        McpMethod.RootsList when declared.HasFlag(ClientCapabilities.Roots) => null,
        McpMethod.RootsList => new RpcError(RpcErrorCode.MethodNotFound, "The client declared no roots, or the operator does not allow roots for this upstream (\"roots\": true, in a mode other than exclusive and shared)."),
        McpMethod.Elicit when IsUrl(parameters) => OfElicitation(declared, ClientCapabilities.ElicitationUrl, "url"),
        McpMethod.Elicit => OfElicitation(declared, ClientCapabilities.ElicitationForm, "form"),
        _ => new RpcError(RpcErrorCode.MethodNotFound, "The client declared no such capability."),
    };

    /// <summary>The specification tells a client without elicitation (-32601) from one that has not this mode of it (-32602).</summary>
    private static RpcError? OfElicitation(ClientCapabilities declared, ClientCapabilities mode, string name)
    {
        if (declared.HasFlag(mode)) return null;
        return (declared & (ClientCapabilities.ElicitationForm | ClientCapabilities.ElicitationUrl)) == 0
            ? new RpcError(RpcErrorCode.MethodNotFound, "The client declared no such capability.")
            : new RpcError(RpcErrorCode.InvalidParams, $"The client did not declare elicitation of mode {name}.");
    }

    private static bool IsUrl(ReadOnlySpan<byte> parameters)
    {
        if (parameters.IsEmpty) return false;
        var reader = new Utf8JsonReader(parameters, new JsonReaderOptions { MaxDepth = 128 });
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isMode = reader.ValueTextEquals("mode"u8);
            reader.Read();
            if (isMode) return reader.TokenType == JsonTokenType.String && reader.ValueTextEquals("url"u8);
            reader.Skip();
        }

        return false;
    }
}
