using McpGateway.Upstreams.Links;

namespace McpGateway.Tests.Protocol;

public sealed class HeaderTextTests
{
    [Theory]
    [InlineData("search_code", "search_code")]
    [InlineData("with space", "with space")]
    [InlineData("", "")]
    [InlineData("grün", "=?base64?Z3LDvG4=?=")]
    [InlineData(" lead", "=?base64?IGxlYWQ=?=")]
    [InlineData("line\nend", "=?base64?bGluZQplbmQ=?=")]
    [InlineData("=?base64?abc", "=?base64?PT9iYXNlNjQ/YWJj?=")]
    public void Encode_LeavesVisibleAsciiAlone_AndDecodeGivesItBack(string text, string header)
    {
        HeaderText.Encode(text).ShouldBe(header);
        HeaderText.Decode(header).ShouldBe(text);
    }

    [Theory]
    [InlineData("=?base64?***?=")]
    [InlineData("=?base64?A?=")]
    public void Decode_SaysSo_WhenItClaimsToBeEncodedAndIsNot(string header) => HeaderText.Decode(header).ShouldBeNull();

    [Theory]
    [InlineData("=?base64?=")]
    [InlineData("=?")]
    [InlineData("?=")]
    public void Decode_TakesAsText_WhatIsTooShortToBeEncoded(string header) => HeaderText.Decode(header).ShouldBe(header);
}
