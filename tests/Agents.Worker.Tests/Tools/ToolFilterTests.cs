using Agents.Runs;
using Agents.Worker.Tools;

namespace Agents.Worker.Tests.Tools;

public sealed class ToolFilterTests
{
    [Theory]
    [InlineData("repository__search_code", true)]
    [InlineData("memory__search_code", false)]
    [InlineData("search_code", false)]
    public void Permits_WhatTheAgentsGlobsName(string tool, bool expected) => new ToolFilter(["repository__*"], null).Permits(tool).ShouldBe(expected);

    [Fact]
    public void Permits_Nothing_WhenTheAgentNamesNoTool() => new ToolFilter([], null).Permits("repository__search_code").ShouldBeFalse();

    [Theory]
    [InlineData("search_code")]
    [InlineData("repository__search_code")]
    public void Permits_OnlyWhatTheRunAllows_ByEitherName(string allowed)
    {
        var filter = new ToolFilter(["*"], new RunTools { Allow = [allowed] });

        filter.Permits("repository__search_code").ShouldBeTrue();
        filter.Permits("repository__read_file").ShouldBeFalse();
    }

    [Theory]
    [InlineData("search_code", true)]
    [InlineData("repository__search_code", true)]
    [InlineData("search_*", true)]
    [InlineData("repository__*", true)]
    [InlineData("*", true)]
    [InlineData("search", false)]
    public void NeedsApproval_WhenTheRunNamesTheTool(string named, bool expected) =>
        new ToolFilter(["*"], new RunTools { RequireApproval = [named] }).NeedsApproval("repository__search_code").ShouldBe(expected);

    [Theory]
    [InlineData("search_code")]
    [InlineData("repository__search_code")]
    public void Permits_NotWhatTheRunDenies_EvenIfAllowed(string denied)
    {
        var filter = new ToolFilter(["*"], new RunTools { Allow = ["search_code", "read_file"], Deny = [denied] });

        filter.Permits("repository__search_code").ShouldBeFalse();
        filter.Permits("repository__read_file").ShouldBeTrue();
    }
}
