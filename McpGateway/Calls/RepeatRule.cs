using McpGateway.Protocol;
using McpGateway.Sessions;

namespace McpGateway.Calls;

/// <summary>Which failed calls are repeated on another session: those that cannot have run, and those that may run twice.</summary>
internal static class RepeatRule
{
    public const int Attempts = 3;

    /// <summary>Longest pause before a repeat; what an upstream asks beyond it is told to the client instead.</summary>
    private static readonly TimeSpan s_longestPause = TimeSpan.FromSeconds(1);

    public static bool Allows(GatewayCall call, UpstreamException failure, int attempt) =>
        attempt < Attempts && !call.Answer.HasStarted && (failure.RetryAfter ?? TimeSpan.Zero) <= s_longestPause && failure.Kind switch
        {
            FailureKind.SessionLost or FailureKind.Unreachable => true,
            FailureKind.OutcomeUnknown => MayRunTwice(call),
            _ => false,
        };

    private static bool MayRunTwice(GatewayCall call) =>
        call.Upstream.Config.Trusted && call.Shape.Method == McpMethod.ToolsCall && call.Upstream.CatalogueOf(call.Key.Profile).IsRepeatable(call.Target);
}
