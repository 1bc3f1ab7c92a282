namespace RepositoryTools.Tests;

public sealed class OverviewTests : IDisposable
{
    private readonly TemporaryDirectory _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Overview_CountsFilesLanguagesProjectsAndTests()
    {
        _folder.Write("README.md", "# Shop\n\nSells things.\n");
        _folder.Write("src/Shop.csproj", "<Project />\n");
        _folder.Write("src/A.cs", "class A\n{\n    void Long()\n    {\n        One();\n        Two();\n    }\n\n    void Short() { }\n}\n");
        _folder.Write("web/package.json", "{}\n");
        _folder.Write("web/a.test.ts", "test();\n");
        _folder.Write("vendor-not/x.bin", "\0");
        await using var tools = await Tools.OverAsync(_folder);

        var info = await tools.AnswerAsync("repo_get_info");

        info.Text("name").ShouldBe("shop");
        info.Number("files").ShouldBe(6);
        info.Number("lines").ShouldBe(16);
        info.Number("test_files").ShouldBe(1);
        info.Rows("projects").Select(p => p.GetString()).ShouldBe(["src/Shop.csproj", "web/package.json"]);
        info.Text("readme").ShouldBe("# Shop\n\nSells things.");
        info.Rows("languages").Select(l => $"{l.Text("name")} {l.Number("files")} {l.Number("lines")}").ShouldBe(
            ["C# 1 10", "Markdown 1 3", "JSON 1 1", "TypeScript 1 1", "XML 1 1"]);
        info.Rows("longest_methods").Select(m => $"{m.Text("name")} {m.Text("file")}:{m.Number("line")} {m.Number("lines")}").ShouldBe(
            ["A.Long src/A.cs:3 5", "A.Short src/A.cs:9 1"]);
        info.Rows("largest_files")[0].Text("file").ShouldBe("src/A.cs");
        info.TryGetProperty("git", out _).ShouldBeFalse();
    }

    [Fact]
    public async Task Overview_TellsTheCommit_OfAGitRepository()
    {
        _folder.Write("a.txt", "1\n");
        await GitFolder.RunAsync(_folder, "init", "-q", "-b", "trunk");
        await GitFolder.RunAsync(_folder, "add", ".");
        await GitFolder.RunAsync(_folder, "commit", "-q", "-m", "First: begin");
        await using var tools = await Tools.OverAsync(_folder);

        var git = (await tools.AnswerAsync("repo_get_info")).GetProperty("git");

        git.Text("branch").ShouldBe("trunk");
        git.Text("commit").Length.ShouldBe(40);
        git.Text("subject").ShouldBe("First: begin");
        DateTimeOffset.TryParse(git.Text("committed_at"), out _).ShouldBeTrue();
    }

    [Fact]
    public async Task Overview_WorksWithoutGit_AndForAnEmptyFolder()
    {
        var transport = new ModelContextProtocol.Client.StdioClientTransport(new()
        {
            Command = Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : DotNet(),
            Arguments = [RepositoryRoot.AssemblyOf("RepositoryTools"), "--repository", $"shop={_folder.FullPath}"],
            EnvironmentVariables = new Dictionary<string, string?> { ["PATH"] = "/nonexistent" },
        });
        await using var client = await ModelContextProtocol.Client.McpClient.CreateAsync(transport, cancellationToken: TestContext.Current.CancellationToken);

        var result = await client.CallToolAsync("repo_get_info", cancellationToken: TestContext.Current.CancellationToken);

        result.IsError.ShouldNotBe(true);
        result.StructuredContent!.Value.Number("files").ShouldBe(0);
    }

    [Fact]
    public async Task ListFiles_NarrowsByFolderAndGlob_AndPages()
    {
        foreach (var file in (string[])["a.cs", "src/b.cs", "src/deep/c.cs", "src/deep/d.ts", "srcs/e.cs"])
        {
            _folder.Write(file, "x\n");
        }

        await using var tools = await Tools.OverAsync(_folder);

        (await ListAsync(("path", "src"))).ShouldBe(["src/b.cs", "src/deep/c.cs", "src/deep/d.ts"]);
        (await ListAsync(("glob", "*.cs"))).ShouldBe(["a.cs", "src/b.cs", "src/deep/c.cs", "srcs/e.cs"]);
        (await ListAsync(("glob", "src/*.cs"))).ShouldBe(["src/b.cs"]);
        (await ListAsync(("glob", "src/**/*.cs"))).ShouldBe(["src/b.cs", "src/deep/c.cs"]);
        (await ListAsync(("path", "src"), ("glob", "?.ts"))).ShouldBe(["src/deep/d.ts"]);
        (await ListAsync(("glob", "*.none"))).ShouldBeEmpty();
        var page = await tools.AnswerAsync("list_files", ("limit", 2));
        page.Number("total").ShouldBe(5);
        page.Rows("files")[0].Number("bytes").ShouldBe(2);
        page.Rows("files")[0].Number("lines").ShouldBe(1);
        (await tools.AnswerAsync("list_files", ("limit", 3), ("cursor", page.Text("next_cursor")))).Texts("files", "file").ShouldBe(["src/deep/c.cs", "src/deep/d.ts", "srcs/e.cs"]);

        async Task<List<string>> ListAsync(params (string, object?)[] arguments) => (await tools.AnswerAsync("list_files", arguments)).Texts("files", "file");
    }

    /// <summary>The dotnet on PATH, which the child must be started with although it gets another PATH.</summary>
    private static string DotNet() => Environment.GetEnvironmentVariable("PATH")!.Split(Path.PathSeparator)
        .Select(p => Path.Combine(p, OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet")).First(File.Exists);
}
