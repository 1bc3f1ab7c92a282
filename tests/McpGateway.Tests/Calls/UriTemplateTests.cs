using McpGateway.Calls.Lists;

namespace McpGateway.Tests.Calls;

public sealed class UriTemplateTests
{
    [Theory]
    [InlineData("test://template/{id}/data", "test://template/7/data", true)]
    [InlineData("test://template/{id}/data", "test://template/7/8/data", false)]
    [InlineData("test://template/{id}/data", "test://template//data", false)]
    [InlineData("test://template/{id}/data", "test://template/7/data?x", false)]
    [InlineData("file:///{+path}", "file:///a/b.txt", true)]
    [InlineData("file:///{path*}", "file:///a/b.txt", true)]
    [InlineData("http://h/s{?q,lang}", "http://h/s", true)]
    [InlineData("http://h/s{?q,lang}", "http://h/s?q=a&lang=b", true)]
    [InlineData("http://h/s{?q,lang}", "http://h/sx", false)]
    [InlineData("http://h{/a,b}", "http://h/1/2", true)]
    [InlineData("http://h/x{#part}", "http://h/x#y", true)]
    [InlineData("a.b://c", "a.b://c", true)]
    [InlineData("a.b://c", "axb://c", false)]
    [InlineData("x://{unclosed", "x://{unclosed", true)]
    [InlineData("x://{a}", "x://1\n", true)]
    [InlineData("x://{}", "x://1", true)]
    public void Matches_SaysWhetherAnAddressMayFollow(string template, string uri, bool expected) => UriTemplate.Parse(template).Matches(uri).ShouldBe(expected);

    [Fact]
    public void Matches_TakesTimeInProportion_WhateverTheTemplate()
    {
        // Takes a regular expression that goes back longer than anybody waits.
        var template = UriTemplate.Parse(string.Concat(Enumerable.Repeat("{+a}b", 20)));

        template.Matches(new string('b', 100_000) + "c").ShouldBeFalse();
    }
}
