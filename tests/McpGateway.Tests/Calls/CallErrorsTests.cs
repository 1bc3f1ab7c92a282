using McpGateway.Calls;
using McpGateway.Sessions;

namespace McpGateway.Tests.Calls;

public sealed class CallErrorsTests
{
    [Theory]
    [InlineData("Connection refused (127.0.0.1:7199)", "Connection refused (127.0.0.1:7199). The call did not run.")]
    [InlineData("It is gone.", "It is gone. The call did not run.")]
    [InlineData("Upstream 'up' sent nothing", "it sent nothing. The call did not run.")]
    public void Explain_EndsTheReasonAsASentence_WhenTheCallDidNotRun(string reason, string end) =>
        CallErrors.Explain("up", new UpstreamException(FailureKind.Unreachable, reason)).Message.ShouldBe($"Upstream 'up' is not available: {end}");

    [Theory]
    [InlineData(FailureKind.TimedOut)]
    [InlineData(FailureKind.OutcomeUnknown)]
    public void Explain_EndsTheReasonAsASentence_WhenTheOutcomeIsUnknown(object kind) =>
        CallErrors.Explain("up", new UpstreamException((FailureKind)kind, "The response ended prematurely. (ResponseEnded)")).Message.ShouldContain(" (ResponseEnded). It may have run;");
}
