using System.Text;
using McpGateway.Protocol;

namespace McpGateway.Tests.Protocol;

public sealed class SpliceTests
{
    [Fact]
    public void Splice_ReplacesRanges_AddedInAnyOrder()
    {
        var source = "0123456789"u8.ToArray();
        var splice = new Splice(source);
        splice.Replace(new ByteRange(8, 10), "YZ!"u8.ToArray());
        splice.Insert(0, "<"u8.ToArray());
        splice.Replace(new ByteRange(2, 5), ReadOnlyMemory<byte>.Empty);
        splice.Insert(6, "+"u8.ToArray());

        using var output = new MessageBuffer();
        splice.WriteTo(output);

        Encoding.UTF8.GetString(output.Span).ShouldBe("<015+67YZ!");
    }

    [Fact]
    public void Splice_CopiesEverything_WhenNothingIsReplaced()
    {
        using var output = new MessageBuffer(16);
        new Splice("abc"u8).WriteTo(output);

        Encoding.UTF8.GetString(output.Span).ShouldBe("abc");
    }

    [Theory]
    [InlineData("1", true, 1)]
    [InlineData("9223372036854775807", true, long.MaxValue)]
    [InlineData("9223372036854775808", false, 0)]
    [InlineData("\"1\"", false, 0)]
    [InlineData("1.0", false, 0)]
    [InlineData("1 ", false, 0)]
    [InlineData("", false, 0)]
    public void UpstreamId_ReadsBack_OnlyWhatCanBeOurs(string json, bool ours, long expected)
    {
        UpstreamId.TryParse(Encoding.UTF8.GetBytes(json), out var id).ShouldBe(ours);
        if (ours) id.ShouldBe(expected);
    }

    [Fact]
    public void ObjectRewrite_KeepsValuesByteForByte()
    {
        using var output = new MessageBuffer();
        ObjectRewrite.Write(
            output,
            """{ "a" : 1.000 , "drop":{"x":[1,2]}, "b": "\u00e4\/" ,"drop":7, "c":{ "n" : null } }"""u8,
            static (ref System.Text.Json.Utf8JsonReader name) => !name.ValueTextEquals("drop"u8),
            "\"new\":1"u8);

        Encoding.UTF8.GetString(output.Span).ShouldBe("""{"a" : 1.000,"b": "\u00e4\/","c":{ "n" : null },"new":1}""");
    }

    [Theory]
    [InlineData("", "", "{}")]
    [InlineData("{}", "", "{}")]
    [InlineData("{}", "\"a\":1", "{\"a\":1}")]
    [InlineData("", "\"a\":1", "{\"a\":1}")]
    [InlineData("null", "\"a\":1", "{\"a\":1}")]
    [InlineData("[1,2]", "", "{}")]
    public void ObjectRewrite_MakesAnObject_OfNothingAndOfWhatIsNone(string source, string added, string expected)
    {
        using var output = new MessageBuffer();
        ObjectRewrite.Write(output, Encoding.UTF8.GetBytes(source), static (ref System.Text.Json.Utf8JsonReader _) => true, Encoding.UTF8.GetBytes(added));

        Encoding.UTF8.GetString(output.Span).ShouldBe(expected);
    }

    [Fact]
    public void MessageBuffer_Grows_AndIsDisposedTwiceInPeace()
    {
        var buffer = new MessageBuffer(1);
        for (var i = 0; i < 10_000; i++) buffer.Write("0123456789"u8);
        buffer.Length.ShouldBe(100_000);
        buffer.Span[99_999].ShouldBe((byte)'9');

        buffer.Dispose();
        buffer.Dispose();
        Should.Throw<ObjectDisposedException>(() => buffer.Length > 0 && buffer.Span.IsEmpty);
    }

    [Theory]
    [InlineData("\"plain\"", "plain")]
    [InlineData("\"a\\u0062\\n\"", "ab\n")]
    [InlineData("\"\\ud83d\\ude00\"", "😀")]
    [InlineData("\"\\ud800\"", null)]
    [InlineData("12", null)]
    [InlineData("", null)]
    public void JsonText_Reads_OnlyWhatIsText(string json, string? expected) => JsonText.Read(Encoding.UTF8.GetBytes(json)).ShouldBe(expected);

    [Theory]
    [InlineData("plain")]
    [InlineData("with \"quotes\" and \\ and \n")]
    [InlineData("äöü 😀 <b>")]
    public void JsonText_WritesWhatItReads(string text) => JsonText.Read(JsonText.Write(text)).ShouldBe(text);
}
