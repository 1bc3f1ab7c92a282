using McpGateway.Calls.Inputs;
using McpGateway.Protocol;
using McpGateway.Sessions;

namespace McpGateway.Tests.Calls;

public sealed class QuestionRuleTests
{
    [Fact]
    public void Refusal_NamesTheOperatorsSwitch_WhenRootsAreAskedForAndNotShown()
    {
        var refusal = QuestionRule.Refusal(McpMethod.RootsList, "{}"u8, ClientCapabilities.Sampling);

        refusal.ShouldNotBeNull().Code.ShouldBe(RpcErrorCode.MethodNotFound);
        refusal.Message.ShouldContain("the operator does not allow roots for this upstream");
        QuestionRule.Refusal(McpMethod.RootsList, "{}"u8, ClientCapabilities.Roots).ShouldBeNull();
    }
}
