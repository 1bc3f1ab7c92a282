using System.Text.Json;

namespace Agents.Runs.Tests;

public sealed class ContractTypesTests
{
    [Theory]
    [InlineData(RunState.Completed, AgentState.Completed, AgentState.Completed)]
    [InlineData(RunState.CompletedPartial, AgentState.Completed, AgentState.Failed)]
    [InlineData(RunState.Failed, AgentState.Failed, AgentState.Failed)]
    public void Run_EndsAsItsAgentsDid_WhenNobodyCancelled(RunState expected, params AgentState[] agents) =>
        RunStates.Conclude([.. agents.Select(state => new AgentExecution { Name = "a", State = state })]).ShouldBe(expected);

    [Fact]
    public void Run_TimedOut_WhenTimeStoppedEveryAgent()
    {
        var late = new AgentExecution { Name = "a", State = AgentState.Failed, StopReason = StopReason.BudgetTime };

        RunStates.Conclude([late, late]).ShouldBe(RunState.TimedOut);
        RunStates.Conclude([late, late with { StopReason = StopReason.Error }]).ShouldBe(RunState.Failed);
        RunStates.Conclude([late], cancelled: true).ShouldBe(RunState.Cancelled);
    }

    [Fact]
    public void RunState_IsEnded_OnlyWhenFinal() =>
        Enum.GetValues<RunState>().Where(state => !state.IsEnded()).ShouldBe([RunState.Queued, RunState.Running, RunState.WaitingApproval]);

    [Fact]
    public void Usage_IsUnknown_WhenAPartIsUnknown()
    {
        var sum = new RunUsage(1, null, 2, 0.5m) + new RunUsage(10, 20, 3, null);

        sum.ShouldBe(new RunUsage(11, null, 5, null));
        (RunUsage.Zero + sum).ShouldBe(sum);
    }

    [Theory]
    [InlineData("""{}""", null)]
    [InlineData("""{"max_tool_calls":50,"max_depth":10,"time_budget_s":600}""", null)]
    [InlineData("""{"max_tool_calls":0,"max_depth":1}""", "budget.max_tool_calls")]
    [InlineData("""{"max_tool_calls":51}""", "budget.max_tool_calls")]
    [InlineData("""{"max_depth":11,"max_tool_calls":20}""", "budget.max_depth")]
    [InlineData("""{"time_budget_s":601}""", "budget.time_budget_s")]
    [InlineData("""{"max_input_tokens":0}""", "budget.max_input_tokens")]
    [InlineData("""{"max_output_tokens":1000001}""", "budget.max_output_tokens")]
    [InlineData("""{"max_search_calls":0}""", "budget.max_search_calls")]
    [InlineData("""{"max_qa_calls":51}""", "budget.max_qa_calls")]
    [InlineData("""{"max_entity_calls":-1}""", "budget.max_entity_calls")]
    [InlineData("""{"max_tool_calls":2,"max_depth":3}""", "budget.max_tool_calls")]
    public void Budget_NamesTheLimit_WhenItIsOutOfRange(string json, string? field)
    {
        var errors = JsonSerializer.Deserialize<RunBudget>(json, RunsJson.Options)!.Validate().Select(error => error.Field).Distinct().ToList();

        errors.ShouldBe(field is null ? [] : [field]);
    }

    [Fact]
    public void Json_IsSnakeCaseWithWordsAndWithoutNulls_WhenWritten()
    {
        var agent = new AgentExecution { Name = "tester", State = AgentState.Completed, StopReason = StopReason.BudgetToolCalls, Usage = new RunUsage(1, null, 2, null) };

        JsonSerializer.Serialize(agent, RunsJson.Options)
            .ShouldBe("""{"name":"tester","state":"completed","stop_reason":"budget_tool_calls","usage":{"input_tokens":1,"output_tokens":null,"tool_calls":2,"cost_usd":null},"degraded":false}""");
        Should.Throw<JsonException>(() => JsonSerializer.Deserialize<AgentExecution>("""{"name":"x","state":3}""", RunsJson.Options));
    }

    [Fact]
    public void Defaults_AreBuiltIn_AndEachNameIsOnce()
    {
        BuiltInAgents.All.Select(agent => agent.Name).ShouldBeUnique();
        BuiltInAgents.Default.ShouldBeSubsetOf(BuiltInAgents.All.Select(agent => agent.Name));
    }
}
