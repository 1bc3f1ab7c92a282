using System.Text.Json.Nodes;

namespace FaultyUpstream.Protocol;

/// <summary>What this server reads of a message beyond what every message has.</summary>
internal static class CallMessage
{
    private const string EnvelopeVersionKey = "io.modelcontextprotocol/protocolVersion";

    extension(RpcMessage message)
    {
        /// <summary>The revision a request of 2026-07-28 or later names in its envelope; null on a legacy request.</summary>
        public string? EnvelopeVersion => RpcMessage.TextOf(message.Meta?[EnvelopeVersionKey]);

        /// <summary>The tool a call names.</summary>
        public string? ToolName => message.Method == Methods.ToolsCall ? RpcMessage.TextOf(message.Params["name"]) : null;

        /// <summary>The argument <c>call_id</c>, by which a test follows one call.</summary>
        public string? CallId => message.Method == Methods.ToolsCall ? RpcMessage.TextOf((message.Params["arguments"] as JsonObject)?["call_id"]) : null;
    }
}
