using McpGateway.Protocol;
using McpGateway.Sessions;

namespace McpGateway.Calls;

/// <summary>Which notifications that an upstream sends within a call go to its client.</summary>
internal static class NoticeRule
{
    public static bool Passes(GatewayCall call, UpstreamMessage message) => message.Shape.Method switch
    {
        McpMethod.Progress => !call.Shape.AskedProgressToken.IsEmpty,
        // A modern client gets what relates to its request, and log messages only when it asked for them.
        McpMethod.LogMessage when call.Era == McpEra.Modern => !call.Shape.EnvelopeLogLevel.IsEmpty
            && LogSeverity.Passes(JsonText.Read(message.Shape.Level.Of(message.Bytes.Span)), JsonText.Read(call.Shape.EnvelopeLogLevel.Of(call.Message.Span))),
        McpMethod.Other when call.Era == McpEra.Modern => true,
        _ when call.Era == McpEra.Modern => false,
        _ => call.Peer?.Wants(message) ?? false,
    };
}
