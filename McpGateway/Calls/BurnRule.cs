using McpGateway.Protocol;
using McpGateway.Sessions;

namespace McpGateway.Calls;

/// <summary>
/// Which requests leave something on a session that the next caller must not meet: such a session is closed when it is returned.
/// One that its owner keeps, or that all share by the operator's choice, goes on. What else burns a session is found out
/// elsewhere: a call whose client was asked something (<see cref="CloseReason.Asked"/>), that is cancelled (<see cref="CloseReason.Cancelled"/>) or ends too late (<see cref="CloseReason.TimedOut"/>),
/// and a message that is for nobody (<see cref="UpstreamSession.NoteStray"/>).
/// </summary>
internal static class BurnRule
{
    /// <summary>Why the session is not reused after this call; null when it may be.</summary>
    public static CloseReason? Find(GatewayCall call, UpstreamSession session)
    {
        if (session.PinnedTo is not null || !session.Link.KeepsSession) return null;
        if (!call.Shape.Task.IsEmpty) return CloseReason.TaskUsed;
        return call.Shape.Method switch
        {
            McpMethod.ResourcesSubscribe or McpMethod.ResourcesUnsubscribe => CloseReason.Subscribed,
            McpMethod.SetLevel => CloseReason.LevelSet,
            // All methods of that name hold on to something that outlives the call.
            McpMethod.Other when call.MethodName.StartsWith("tasks/", StringComparison.Ordinal) => CloseReason.TaskUsed,
            _ => null,
        };
    }
}
