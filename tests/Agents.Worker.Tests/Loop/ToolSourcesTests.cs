using System.Text.Json;
using Agents.Worker.Loop;

namespace Agents.Worker.Tests.Loop;

public sealed class ToolSourcesTests
{
    [Fact]
    public void Of_TakesOnlyPlacesThatToolsShowedAndTheAnswerNames()
    {
        var call = Call("""{"matches":[{"file":"a.cs","line":1},{"file":"b.cs","line":2},{"file":"c.cs","line":3}]}""");

        ToolSources.Of([call], "See c.cs:3, `a.cs:1` and invented.cs:9; again c.cs:3.").ShouldBe(["c.cs:3", "a.cs:1"]);
    }

    [Fact]
    public void Of_DoesNotTakePartsOfOtherPlaces()
    {
        var call = Call("""{"matches":[{"file":"a.cs","line":1}]}""");

        ToolSources.Of([call], "See a.cs:12, data.cs:1, src/a.cs:1").ShouldBeEmpty();
    }

    [Fact]
    public void Of_ReadsRangesAndPassages()
    {
        var call = Call("""{"duplicates":[{"first":{"file":"a.cs","start":5,"end":9},"second":{"file":"b.cs","start_line":7}}]}""");

        ToolSources.Of([call], "a.cs:5 and b.cs:7").ShouldBe(["a.cs:5", "b.cs:7"]);
    }

    [Fact]
    public void Of_ReadsText_WhenThereIsNoStructuredResult()
    {
        var call = new ToolRequest { Id = "1", Tool = "t", Arguments = default, Result = "src/x.py:10: def f" };

        ToolSources.Of([call], "in src/x.py:10").ShouldBe(["src/x.py:10"]);
    }

    [Fact]
    public void Of_IgnoresErrors()
    {
        var call = Call("""{"file":"a.cs","line":1}""");
        call.IsError = true;

        ToolSources.Of([call], "a.cs:1").ShouldBeEmpty();
    }

    [Fact]
    public void Of_IsCapped()
    {
        var places = Enumerable.Range(1, 100).Select(i => $"f.cs:{i}").ToList();
        var call = Call(JsonSerializer.Serialize(new { m = Enumerable.Range(1, 100).Select(i => new { file = "f.cs", line = i }) }));

        ToolSources.Of([call], string.Join(' ', places)).ShouldBe(places.Take(20));
    }

    private static ToolRequest Call(string structured) => new()
    {
        Id = "1", Tool = "t", Arguments = default, Result = "text", Structured = JsonSerializer.Deserialize<JsonElement>(structured),
    };
}
