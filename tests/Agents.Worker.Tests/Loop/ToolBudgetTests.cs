using Agents.Runs;
using Agents.Worker.Loop;

namespace Agents.Worker.Tests.Loop;

public sealed class ToolBudgetTests
{
    private static readonly RunBudget Wide = new() { MaxToolCalls = 50, MaxDepth = 10, MaxSearchCalls = 50, MaxQaCalls = 50, MaxEntityCalls = 50 };

    [Theory]
    [InlineData(1)]
    [InlineData(10)]
    [InlineData(50)]
    public void TryTake_AllowsExactlyMaxToolCalls(int max)
    {
        var budget = new ToolBudget(Wide with { MaxToolCalls = max });

        for (var i = 0; i < max; i++) budget.TryTake("repository__read_file").ShouldBeNull();

        budget.TryTake("repository__read_file").ShouldBe(StopReason.BudgetToolCalls);
        budget.Use.ToolCalls.ShouldBe(max);
    }

    [Theory]
    [InlineData("repository__search_code", 5)]
    [InlineData("search_code", 5)]
    [InlineData("repository__qa_codebase", 3)]
    [InlineData("repository__find_entities", 4)]
    [InlineData("repository__get_entity_relationships", 4)]
    public void TryTake_AllowsExactlyTheLimitOfATool(string tool, int max)
    {
        var budget = new ToolBudget(new RunBudget());

        for (var i = 0; i < max; i++) budget.TryTake(tool).ShouldBeNull();

        budget.TryTake(tool).ShouldBe(StopReason.BudgetTool);
        budget.TryTake("repository__read_file").ShouldBeNull();
        budget.Use.ToolCalls.ShouldBe(max + 1, "a refused call is not counted");
    }

    [Fact]
    public void TryTake_CountsToolsOfOneKindTogether()
    {
        var budget = new ToolBudget(Wide with { MaxEntityCalls = 2 });

        budget.TryTake("repository__find_entities").ShouldBeNull();
        budget.TryTake("other__get_entity_relationships").ShouldBeNull();

        budget.TryTake("repository__find_entities").ShouldBe(StopReason.BudgetTool);
    }

    [Fact]
    public void TryTake_CountsEachKindApart()
    {
        var budget = new ToolBudget(Wide with { MaxSearchCalls = 1, MaxQaCalls = 1, MaxEntityCalls = 1 });

        budget.TryTake("search_code").ShouldBeNull();
        budget.TryTake("qa_codebase").ShouldBeNull();
        budget.TryTake("find_entities").ShouldBeNull();

        new[] { "search_code", "qa_codebase", "find_entities" }.ShouldAllBe(tool => budget.TryTake(tool) == StopReason.BudgetTool);
    }

    [Fact]
    public void TryTake_NamesTheLimitOfAllCalls_WhenBothAreReached()
    {
        var budget = new ToolBudget(Wide with { MaxToolCalls = 1, MaxDepth = 1, MaxSearchCalls = 1 });
        budget.TryTake("search_code").ShouldBeNull();

        budget.TryTake("search_code").ShouldBe(StopReason.BudgetToolCalls);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(10)]
    public void TryDeepen_AllowsExactlyMaxDepth(int max)
    {
        var budget = new ToolBudget(Wide with { MaxDepth = max });

        for (var i = 0; i < max; i++) budget.TryDeepen().ShouldBeNull();

        budget.TryDeepen().ShouldBe(StopReason.BudgetDepth);
        budget.Use.Depth.ShouldBe(max);
    }

    [Theory]
    [InlineData(49_999, 0, null)]
    [InlineData(50_000, 0, StopReason.BudgetTokens)]
    [InlineData(0, 19_999, null)]
    [InlineData(0, 20_000, StopReason.BudgetTokens)]
    [InlineData(49_999, 19_999, null)]
    public void Spent_IsBudgetTokens_FromTheLimitOn(long input, long output, StopReason? expected)
    {
        var budget = new ToolBudget(new RunBudget());

        budget.AddTokens(input, output);

        budget.Spent(TimeSpan.Zero).ShouldBe(expected);
    }

    [Fact]
    public void AddTokens_AddsUpOverTurns()
    {
        var budget = new ToolBudget(new RunBudget { MaxInputTokens = 100 });

        budget.AddTokens(60, 1);
        budget.Spent(TimeSpan.Zero).ShouldBeNull();
        budget.AddTokens(40, 1);

        budget.Spent(TimeSpan.Zero).ShouldBe(StopReason.BudgetTokens);
    }

    [Theory]
    [InlineData(119.9, null)]
    [InlineData(120, StopReason.BudgetTime)]
    public void Spent_IsBudgetTime_FromTheLimitOn(double seconds, StopReason? expected) =>
        new ToolBudget(new RunBudget()).Spent(TimeSpan.FromSeconds(seconds)).ShouldBe(expected);

    [Fact]
    public void TakeNotice_TellsOnce_WhenSeventyPercentAreUsed()
    {
        var budget = new ToolBudget(Wide with { MaxToolCalls = 10 });
        for (var i = 0; i < 6; i++) budget.TryTake("read_file");
        budget.TakeNotice(TimeSpan.Zero).ShouldBeNull();

        budget.TryTake("read_file");

        budget.TakeNotice(TimeSpan.Zero).ShouldNotBeNull().ShouldContain("7 of 10 tool calls");
        budget.TakeNotice(TimeSpan.Zero).ShouldBeNull();
    }

    [Fact]
    public void TakeNotice_TellsOfTime_WhenSeventyPercentArePast() =>
        new ToolBudget(new RunBudget()).TakeNotice(TimeSpan.FromSeconds(84)).ShouldNotBeNull().ShouldContain("84 of 120 seconds");

    [Fact]
    public void Budget_CountsOn_WhenContinuedFromACheckpoint()
    {
        var before = new ToolBudget(new RunBudget { MaxToolCalls = 5 });
        for (var i = 0; i < 4; i++) before.TryTake("search_code");
        before.TryDeepen();

        var after = new ToolBudget(new RunBudget { MaxToolCalls = 5, MaxDepth = 1 }, before.Use);

        after.TryTake("search_code").ShouldBeNull();
        after.TryTake("read_file").ShouldBe(StopReason.BudgetToolCalls);
        after.TryDeepen().ShouldBe(StopReason.BudgetDepth);
    }

    [Fact]
    public void Defaults_AreThoseOfTheDesign()
    {
        var budget = new RunBudget();

        budget.ShouldBe(new RunBudget
        {
            MaxToolCalls = 10, MaxDepth = 3, TimeBudgetS = 120, MaxInputTokens = 50_000, MaxOutputTokens = 20_000, MaxSearchCalls = 5, MaxQaCalls = 3, MaxEntityCalls = 4,
        });
        budget.Validate().ShouldBeEmpty();
    }

    [Fact]
    public void Validate_RefusesFewerCallsThanRounds() =>
        new RunBudget { MaxToolCalls = 2, MaxDepth = 3 }.Validate().ShouldHaveSingleItem().Field.ShouldBe("budget.max_tool_calls");
}
