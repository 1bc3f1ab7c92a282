namespace RepositoryTools.Tests;

/// <summary>The tools on this solution: what they say must be true of files that exist.</summary>
public sealed class SelfTests : IAsyncLifetime
{
    private Tools _tools = null!;

    public async ValueTask InitializeAsync() => _tools = await Tools.StartAsync($"self={RepositoryRoot.Find()}");

    public ValueTask DisposeAsync() => _tools.DisposeAsync();

    [Fact]
    public async Task Overview_NamesTheProjects_AndRealMethods()
    {
        var info = await _tools.AnswerAsync("repo_get_info");

        info.Rows("projects").Select(p => p.GetString()).ShouldContain("RepositoryTools/RepositoryTools.csproj");
        foreach (var method in info.Rows("longest_methods"))
        {
            var name = method.Text("name");
            File.ReadLines(RepositoryRoot.PathOf(method.Text("file"))).ElementAt(method.Number("line") - 1)
                .ShouldContain(name[(name.LastIndexOf('.') + 1)..]);
        }
    }

    [Fact]
    public async Task Duplicates_AreTheSame_WhenTheirFilesAreRead()
    {
        var answer = await _tools.AnswerAsync("find_duplicates", ("min_lines", 5));

        foreach (var row in answer.Rows("duplicates"))
        {
            var (first, second) = (row.GetProperty("first"), row.GetProperty("second"));
            Code(first, 0).ShouldBe(Code(second, 0));
            Code(first, 1).ShouldBe(Code(second, 1));
        }

        static string Code(System.Text.Json.JsonElement range, int end) =>
            string.Concat(File.ReadLines(RepositoryRoot.PathOf(range.Text("file")))
                .ElementAt(range.Number(end == 0 ? "start" : "end") - 1).Where(c => !char.IsWhiteSpace(c)));
    }

    [Fact]
    public async Task Relationships_OfARealType_AreFound()
    {
        var answer = await _tools.AnswerAsync("get_entity_relationships", ("name", "RepositoryIndex"), ("limit", 200));

        var rows = answer.Rows("relationships").Select(r => $"{r.Text("kind")} {r.Text("name")}").ToList();
        rows.ShouldContain("contains RepositoryIndex.SnapshotAsync");
        rows.ShouldContain("calls FileListing.OfAsync");
        rows.ShouldContain("used_by Repository.Index");
        rows.ShouldContain("implements IAsyncDisposable");
    }
}
