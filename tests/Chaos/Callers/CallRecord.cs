namespace Chaos.Callers;

/// <summary>What a caller got.</summary>
internal enum Outcome
{
    /// <summary>The tool's own answer.</summary>
    Answered,

    /// <summary>Nothing, as it gave the call up.</summary>
    Cancelled,

    /// <summary>-32051.</summary>
    OutcomeUnknown,

    /// <summary>-32050.</summary>
    Unavailable,

    /// <summary>The connection to the gateway broke.</summary>
    GatewayLost,

    /// <summary>A session error, or anything else that no caller should see.</summary>
    Wrong,
}

/// <summary>One call and what became of it.</summary>
internal sealed record CallRecord(string Id, string Upstream, string Tool, TimeSpan From, TimeSpan To, Outcome Outcome, string Detail)
{
    public override string ToString() => $"{Id} {Tool} on {Upstream} at {From.TotalSeconds:0.00}..{To.TotalSeconds:0.00} s: {Outcome} {Detail}";
}
