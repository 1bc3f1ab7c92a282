namespace RepositoryTools.Tests;

public sealed class PathTests : IAsyncLifetime
{
    private readonly TemporaryDirectory _outside = new();
    private readonly TemporaryDirectory _folder = new();
    private Tools _tools = null!;

    public async ValueTask InitializeAsync()
    {
        _outside.Write("secret.txt", "the secret word\n");
        _outside.Write("deep/secret.txt", "the secret word\n");
        _folder.Write("src/a.txt", "inside\n");
        File.CreateSymbolicLink(_folder.PathOf("file-out"), _outside.PathOf("secret.txt"));
        File.CreateSymbolicLink(_folder.PathOf("relative-out"), Path.GetRelativePath(_folder.FullPath, _outside.PathOf("secret.txt")));
        Directory.CreateSymbolicLink(_folder.PathOf("folder-out"), _outside.FullPath);
        Directory.CreateSymbolicLink(_folder.PathOf("src", "up"), _folder.FullPath);
        File.CreateSymbolicLink(_folder.PathOf("over-two"), _folder.PathOf("folder-out", "deep", "secret.txt"));
        File.CreateSymbolicLink(_folder.PathOf("inside"), _folder.PathOf("src", "a.txt"));
        File.CreateSymbolicLink(_folder.PathOf("circle"), _folder.PathOf("circle2"));
        File.CreateSymbolicLink(_folder.PathOf("circle2"), _folder.PathOf("circle"));
        _tools = await Tools.OverAsync(_folder);
    }

    public async ValueTask DisposeAsync()
    {
        await _tools.DisposeAsync();
        _folder.Dispose();
        _outside.Dispose();
    }

    [Theory]
    [InlineData("../secret.txt")]
    [InlineData("src/../../secret.txt")]
    [InlineData("..\\secret.txt")]
    [InlineData("/etc/passwd")]
    [InlineData("\\\\server\\share")]
    [InlineData("C:\\Windows\\win.ini")]
    [InlineData("c:x")]
    [InlineData("~/x")]
    [InlineData("src/a.txt\0.png")]
    public async Task Path_ThatLeadsOut_IsRefused(string path)
    {
        (await _tools.FaultAsync("read_file", ("path", path))).ShouldContain("'path'");
        (await _tools.FaultAsync("search_code", ("query", "x"), ("path", path))).ShouldContain("'path'");
        (await _tools.FaultAsync("list_files", ("path", path))).ShouldContain("'path'");
        (await _tools.FaultAsync("list_files", ("glob", path))).ShouldContain("'glob'");
    }

    [Theory]
    [InlineData("file-out")]
    [InlineData("relative-out")]
    [InlineData("folder-out/secret.txt")]
    [InlineData("folder-out/deep/secret.txt")]
    [InlineData("src/up/file-out")]
    [InlineData("over-two")]
    public async Task Link_ThatLeadsOut_IsRefused_AlsoBehindFolders(string path)
    {
        var fault = await _tools.FaultAsync("read_file", ("path", path));

        fault.ShouldContain("symbolic link");
        fault.ShouldNotContain("secret word");
    }

    [Fact]
    public async Task Link_ThatStaysInside_IsRead() =>
        (await _tools.AnswerAsync("read_file", ("path", "inside"))).Text("text").ShouldBe("inside\n");

    [Fact]
    public async Task Links_InACircle_AreAToolError() =>
        (await _tools.FaultAsync("read_file", ("path", "circle"))).ShouldContain("symbolic links");

    [Fact]
    public async Task Links_AreNotSearched()
    {
        (await _tools.AnswerAsync("search_code", ("query", "secret"))).Number("total").ShouldBe(0);
        (await _tools.AnswerAsync("list_files")).Texts("files", "file").ShouldBe(["src/a.txt"]);
    }

    [Fact]
    public async Task Path_WithDotsAndBackslashes_IsTheSamePath() =>
        (await _tools.AnswerAsync("read_file", ("path", "./src\\a.txt"))).Text("file").ShouldBe("src/a.txt");

    [Fact]
    public async Task File_ThatBecomesALinkAfterwards_IsNotFollowedOut()
    {
        var path = _folder.Write("later.txt", "harmless\n");
        await Eventually.SeesAsync(() => _tools.AnswerAsync("search_code", ("query", "harmless")), a => a.Number("total") == 1);

        File.Delete(path);
        File.CreateSymbolicLink(path, _outside.PathOf("secret.txt"));

        var result = await _tools.CallAsync("search_code", ("query", "secret word"));
        Tools.Text(result).ShouldNotContain("later.txt:1");
    }
}
