using Agents.Runs;
using Agents.Worker.Agents;

namespace Agents.Worker.Tests.Agents;

public sealed class AgentCatalogTests : IDisposable
{
    private const string Good = "---\nname: mine\ndescription: Does things.\ntools: [\"repository__*\", docs__read]\n---\nThe prompt.\n";

    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public void Load_KnowsTheBuiltInAgents()
    {
        var catalog = AgentCatalog.Load(AgentCatalog.DefaultDirectory);

        catalog.Names.ShouldBe(BuiltInAgents.All.Select(a => a.Name).Order(StringComparer.Ordinal));
        foreach (var agent in BuiltInAgents.All) catalog.Find(agent.Name)!.Description.ShouldBe(agent.Description);
    }

    [Fact]
    public void Read_TakesEverything()
    {
        var agent = AgentDefinitionReader.Read("a.md", """
            ---
            # a comment
            name: mine
            description: "Does: things."
            tools: ["repository__*", docs__read]
            budget:
              max_tool_calls: 5
              time_budget_s: 30
            output:
              field: next_actions
              description: what to do
            ---

            The prompt.

            More.
            """);

        agent.Name.ShouldBe("mine");
        agent.Description.ShouldBe("Does: things.");
        agent.Tools.ShouldBe(["repository__*", "docs__read"]);
        agent.Prompt.ShouldBe("The prompt.\n\nMore.");
        agent.Output.ShouldBe(new AgentOutput("next_actions", OutputType.List, "what to do"));
        var budget = agent.Budget.Under(new RunBudget { MaxToolCalls = 8, TimeBudgetS = 20 });
        budget.ShouldBe(new RunBudget { MaxToolCalls = 5, TimeBudgetS = 20 });
    }

    [Theory]
    [InlineData("name: x\n", 1, "'---'")]
    [InlineData("---\nname: x\n", 3, "not closed")]
    [InlineData("---\nname: x\ndescription: d\n---\nP", 1, "'tools' is missing")]
    [InlineData("---\nname: x\ntools: []\n---\nP", 1, "'description' is missing")]
    [InlineData("---\ndescription: d\ntools: []\n---\nP", 1, "'name' is missing")]
    [InlineData("---\nname:\ndescription: d\ntools: []\n---\nP", 2, "'name' is missing")]
    [InlineData("---\nname: My Agent\ndescription: d\ntools: []\n---\nP", 2, "lower-case")]
    [InlineData("---\nname: x\ndescription: d\ntools: all\n---\nP", 4, "use a list")]
    [InlineData("---\nname: x\ndescription: d\ntools: []\n---\n  \n", 1, "prompt is missing")]
    [InlineData("---\nname: x\nname: y\n---\nP", 3, "twice")]
    [InlineData("---\nname: x\ndescription: d\ntools: []\nmodel: big\n---\nP", 5, "'model' is unknown")]
    [InlineData("---\nname: x\ndescription: d\ntools: []\nbudget:\n  max_tool_cals: 5\n---\nP", 6, "unknown")]
    [InlineData("---\nname: x\ndescription: d\ntools: []\nbudget:\n  max_tool_calls: 51\n---\nP", 6, "use 1 to 50")]
    [InlineData("---\nname: x\ndescription: d\ntools: []\nbudget:\n  max_depth: many\n---\nP", 6, "use 1 to 10")]
    [InlineData("---\nname: x\ndescription: d\ntools: []\noutput:\n  field: poem\n  description: d\n---\nP", 6, "use suggestions_table")]
    [InlineData("---\nname: x\ndescription: d\ntools: []\noutput:\n  field: next_actions\n---\nP", 1, "'output.description' is missing")]
    [InlineData("---\n  name: x\n---\nP", 2, "belongs to no key")]
    [InlineData("---\njust words\n---\nP", 2, "no 'key: value'")]
    public void Read_RefusesWithFileAndLine_WhenADefinitionIsWrong(string text, int line, string message)
    {
        var error = Should.Throw<AgentDefinitionException>(() => AgentDefinitionReader.Read("agents/x.md", text));

        error.Message.ShouldStartWith($"agents/x.md:{line}: ");
        error.Message.ShouldContain(message);
    }

    [Fact]
    public void Load_ReportsEveryWrongFileAtOnce()
    {
        _directory.Write("a.md", "no front matter");
        _directory.Write("b.md", Good);
        _directory.Write("c.md", Good.Replace("tools:", "tool:"));

        var error = Should.Throw<AgentDefinitionException>(() => AgentCatalog.Load(_directory.FullPath));

        error.Message.ShouldContain("a.md:1:");
        error.Message.ShouldContain("c.md:4:");
        error.Message.ShouldNotContain("b.md");
    }

    [Fact]
    public void Load_RefusesTheSameNameTwice()
    {
        _directory.Write("a.md", Good);
        _directory.Write("b.md", Good);

        Should.Throw<AgentDefinitionException>(() => AgentCatalog.Load(_directory.FullPath)).Message.ShouldContain("already an agent 'mine'");
    }

    [Fact]
    public void Load_RefusesAFolderWithoutDefinitions() =>
        Should.Throw<AgentDefinitionException>(() => AgentCatalog.Load(_directory.FullPath)).Message.ShouldContain("no agent definition");

    public void Dispose() => _directory.Dispose();
}
