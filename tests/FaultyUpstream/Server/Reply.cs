using System.Text.Json.Nodes;
using FaultyUpstream.Faults;

namespace FaultyUpstream.Server;

/// <summary>What a message deserves.</summary>
internal abstract record Reply
{
    /// <summary>An answer to a request.</summary>
    /// <param name="Message">The answer.</param>
    /// <param name="Status">The HTTP status, where there is one.</param>
    public sealed record Answer(JsonObject Message, int Status = 200) : Reply;

    /// <summary>A refusal of what the transport brought, before the message is looked at.</summary>
    public sealed record Refusal(FaultAct Act) : Reply;

    /// <summary>A notification was taken.</summary>
    public sealed record Taken : Reply;

    /// <summary>The request was cancelled: nothing is owed.</summary>
    public sealed record Cancelled : Reply;
}
