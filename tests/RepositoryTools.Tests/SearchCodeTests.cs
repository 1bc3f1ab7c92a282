namespace RepositoryTools.Tests;

public sealed class SearchCodeTests : IAsyncLifetime
{
    private readonly TemporaryDirectory _folder = new();
    private Tools _tools = null!;

    public async ValueTask InitializeAsync()
    {
        _folder.Write("src/Store.cs", "class Store\r\n{\r\n    void Save(int id) { }\r\n}\r\n");
        _folder.Write("src/web/store.ts", "export function save(id) {}\n");
        _folder.Write("docs/readme.md", "How to save a store.\n");
        _folder.Write("long.js", new string('a', 5000) + " needle " + new string('b', 5000) + "\n");
        File.WriteAllBytes(_folder.PathOf("binary.dat"), [.. "needle"u8, 0]);
        _tools = await Tools.OverAsync(_folder);
    }

    public async ValueTask DisposeAsync()
    {
        await _tools.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Search_FindsText_WhateverItsCase()
    {
        var answer = await _tools.AnswerAsync("search_code", ("query", "SAVE("));

        answer.Rows("matches").Select(m => $"{m.Text("file")}:{m.Number("line")}: {m.Text("text")}").ShouldBe(
            ["src/Store.cs:3: void Save(int id) { }", "src/web/store.ts:1: export function save(id) {}"]);
    }

    [Fact]
    public async Task Search_TakesRegularExpressions_AndPaths()
    {
        (await _tools.AnswerAsync("search_code", ("query", @"\bsave\b"), ("regex", true))).Number("total").ShouldBe(2);
        (await _tools.AnswerAsync("search_code", ("query", @"(?i)\bsave\b"), ("regex", true), ("path", "src"))).Number("total").ShouldBe(2);
        (await _tools.AnswerAsync("search_code", ("query", "save"), ("path", "**/*.ts"))).Texts("matches", "file").ShouldBe(["src/web/store.ts"]);
        (await _tools.AnswerAsync("search_code", ("query", "save"), ("path", "src/*.ts"))).Number("total").ShouldBe(0);
        (await _tools.AnswerAsync("search_code", ("query", "save"), ("path", "docs/readme.md"))).Number("total").ShouldBe(1);
    }

    [Fact]
    public async Task Search_ShowsThePartOfALongLine_AroundTheMatch()
    {
        var match = (await _tools.AnswerAsync("search_code", ("query", "needle"))).Rows("matches").ShouldHaveSingleItem();

        match.Text("file").ShouldBe("long.js");
        match.Text("text").ShouldContain("needle");
        match.Text("text").Length.ShouldBeLessThan(310);
    }

    [Fact]
    public async Task Search_Refuses_WhatItCannotDo()
    {
        (await _tools.FaultAsync("search_code", ("query", "a(b"), ("regex", true))).ShouldContain("'query' is no regular expression");
        (await _tools.FaultAsync("search_code", ("query", "a\nb"))).ShouldContain("'query' holds a line break");
        (await _tools.FaultAsync("search_code", ("query", "a"), ("path", "nowhere"))).ShouldContain("'path' is 'nowhere', and no file of repository 'shop' is there");
    }

    [Fact]
    public async Task Search_StopsAnExpression_ThatBacktracksForEver() =>
        (await _tools.FaultAsync("search_code", ("query", @"(a+)+\1c$"), ("regex", true))).ShouldContain("'query' takes too long");

    [Fact]
    public async Task Search_FinishesAnExpression_ThatWouldBacktrackForEver() =>
        (await _tools.AnswerAsync("search_code", ("query", "(a+)+c$"), ("regex", true))).Number("total").ShouldBe(0);

    [Fact]
    public async Task Search_CapsItsAnswer_AndPagesTheRest()
    {
        _folder.Write("many.txt", string.Concat(Enumerable.Range(0, 200).Select(i => $"row {i} {new string('z', 280)}\n")));

        var result = await Eventually.SeesAsync(
            () => _tools.CallAsync("search_code", ("query", "zzz"), ("limit", 100)), r => r.StructuredContent!.Value.Number("total") == 200);

        Tools.Text(result).Length.ShouldBeLessThan(42_000);
        result.StructuredContent!.Value.TryGetProperty("next_cursor", out _).ShouldBeTrue();
    }
}
