using System.Text.RegularExpressions;
using McpGateway.Calls.Lists;

namespace McpGateway.Tests.Calls;

public sealed partial class AggregateNameTests
{
    [Theory]
    [InlineData("repo", "search_code")]
    [InlineData("a", "b__c")]
    [InlineData("a-b_c", "__x")]
    [InlineData("a", "_x")]
    [InlineData("a", "commit_0123456789a")]
    public void Split_GivesBack_WhatAPlainNameWasMadeOf(string upstream, string tool)
    {
        var name = AggregateName.Of(upstream, tool);

        name.ShouldBe($"{upstream}__{tool}");
        AggregateName.IsShort(name).ShouldBeFalse();
        AggregateName.Split(name).ShouldBe((upstream, tool));
    }

    [Theory]
    [InlineData("")]
    [InlineData("tool")]
    [InlineData("__tool")]
    [InlineData("up__")]
    [InlineData("up_tool")]
    public void Split_GivesNothing_ForANameWithoutUpstreamOrTool(string name) => AggregateName.Split(name).ShouldBeNull();

    [Theory]
    [InlineData("up", "a_tool_whose_name_is_much_too_long_for_any_model_that_there_is_today", "up__a_tool_whose_name_is_much_too_long_for_any_mode_9c9f2830ac63")]
    [InlineData("up", "files.read/all", null)]
    [InlineData("up", "日本語", null)]
    [InlineData("up_", "tool", null)]
    [InlineData("up", "looks_like_0123456789ab", null)]
    [InlineData("a-name-of-thirty-two-characters_", "x", null)]
    public void Of_GivesWhatModelsTake_WhenThePlainNameDoesNot(string upstream, string tool, string? expected)
    {
        var name = AggregateName.Of(upstream, tool);

        ModelName().IsMatch(name).ShouldBeTrue(name);
        name.ShouldStartWith(upstream + "__");
        AggregateName.IsShort(name).ShouldBeTrue(name);
        AggregateName.Of(upstream, tool).ShouldBe(name);
        // Written down, since clients keep names: it must be the same in the next version too.
        if (expected is not null) name.ShouldBe(expected);
    }

    [Fact]
    public void Of_NeverGivesOneNameToTwo()
    {
        string[] upstreams = ["a", "a_", "a-b", "b"];
        string[] tools = ["b", "_b", "b.c", "b c", "b_c", new string('x', 70), new string('x', 71), "_b_0123456789ab", "é", "è"];
        var names = (from upstream in upstreams from tool in tools select AggregateName.Of(upstream, tool)).ToArray();

        names.Distinct(StringComparer.Ordinal).Count().ShouldBe(names.Length);
        names.Where(name => !AggregateName.IsShort(name)).ShouldAllBe(name => AggregateName.Of(AggregateName.Split(name)!.Value.Upstream, AggregateName.Split(name)!.Value.Name) == name);
    }

    [GeneratedRegex("^[a-zA-Z0-9_-]{1,64}$")]
    private static partial Regex ModelName();
}
