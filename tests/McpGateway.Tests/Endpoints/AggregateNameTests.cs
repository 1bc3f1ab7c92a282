using McpGateway.Endpoints;

namespace McpGateway.Tests.Endpoints;

public sealed class AggregateNameTests
{
    [Theory]
    [InlineData("repo", "search_code")]
    [InlineData("a", "b__c")]
    [InlineData("a-b_c", "__x")]
    [InlineData("a", "_x")]
    public void Split_GivesBack_WhatJoinMade(string upstream, string tool) =>
        AggregateName.Split(AggregateName.Join(upstream, tool)).ShouldBe((upstream, tool));

    [Theory]
    [InlineData("")]
    [InlineData("tool")]
    [InlineData("__tool")]
    [InlineData("up__")]
    [InlineData("up_tool")]
    public void Split_GivesNothing_ForANameWithoutUpstreamOrTool(string name) => AggregateName.Split(name).ShouldBeNull();
}
