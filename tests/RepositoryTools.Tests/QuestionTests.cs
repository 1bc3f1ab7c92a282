namespace RepositoryTools.Tests;

public sealed class QuestionTests : IAsyncLifetime
{
    private readonly TemporaryDirectory _folder = new();
    private Tools _tools = null!;

    public async ValueTask InitializeAsync()
    {
        _folder.Write("src/SessionPool.cs", """
            class SessionPool
            {
                // Hands out a session that is idle.
                public Session LeaseAsync()
                {
                    var session = _idle.Take();
                    return session;
                }

                public void Close()
                {
                    foreach (var connection in _all)
                    {
                        connection.Dispose();
                    }
                }
            }
            """);
        _folder.Write("docs/guide.md", "# Guide\n\nText about nothing.\n\n## Retries\n\nA failed upload is retried three times with back-off.\n");
        _folder.Write("package-lock.json", "{ \"sessions\": \"leased leased leased\" }\n");
        _tools = await Tools.OverAsync(_folder);
    }

    public async ValueTask DisposeAsync()
    {
        await _tools.DisposeAsync();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("How are sessions leased?", "src/SessionPool.cs", "LeaseAsync")]
    [InlineData("which connections are disposed on closing", "src/SessionPool.cs", "connection.Dispose")]
    [InlineData("upload retry", "docs/guide.md", "retried three times")]
    public async Task Question_IsAnsweredWithThePassage_ThatSharesItsWords(string question, string file, string part)
    {
        var answer = await _tools.AnswerAsync("qa_codebase", ("question", question));

        var best = answer.Rows("passages")[0];
        best.Text("file").ShouldBe(file);
        best.Text("text").ShouldContain(part);
        best.GetProperty("score").GetDouble().ShouldBeGreaterThan(0);
        var lines = File.ReadAllLines(_folder.PathOf(file))[(best.Number("line") - 1)..best.Number("end_line")];
        best.Text("text").ShouldBe(string.Join('\n', lines));
        answer.Text("method").ShouldContain("no language model");
    }

    [Fact]
    public async Task Passages_AreOrderedByScore_AndLimited()
    {
        var answer = await _tools.AnswerAsync("qa_codebase", ("question", "session connection upload"), ("limit", 2));

        var scores = answer.Rows("passages").Select(p => p.GetProperty("score").GetDouble()).ToList();
        scores.Count.ShouldBe(2);
        scores.ShouldBe(scores.OrderDescending());
    }

    [Fact]
    public async Task Question_WithoutAnyWordOfTheCode_FindsNothing_AndSaysSo()
    {
        var result = await _tools.CallAsync("qa_codebase", ("question", "quantum chromodynamics"));

        result.StructuredContent!.Value.Rows("passages").ShouldBeEmpty();
        Tools.Text(result).ShouldContain("No passage shares a word");
    }
}
