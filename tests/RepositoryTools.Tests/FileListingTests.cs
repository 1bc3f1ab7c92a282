using RepositoryTools.Repositories;

namespace RepositoryTools.Tests;

public sealed class FileListingTests : IDisposable
{
    private readonly TemporaryDirectory _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Listing_FollowsGitignore_InAGitRepository()
    {
        _folder.Write(".gitignore", "*.log\nsecret/\n");
        _folder.Write("a.cs", "class A;");
        _folder.Write("a.log", "x");
        _folder.Write("secret/b.cs", "class B;");
        _folder.Write("bin/kept.txt", "git does not ignore it");
        await GitAsync("init", "-q");

        (await ListAsync()).Files.ShouldBe([".gitignore", "a.cs", "bin/kept.txt"]);
    }

    [Fact]
    public async Task Listing_HoldsTrackedAndNewFiles_ButNoDeletedOnesInTheIndex()
    {
        _folder.Write("tracked.txt", "1");
        _folder.Write("deleted.txt", "1");
        await GitAsync("init", "-q");
        await GitAsync("add", ".");
        _folder.Write("ünïcode name.txt", "1");
        File.Delete(_folder.PathOf("deleted.txt"));
        await using var index = Index();

        var snapshot = await index.SnapshotAsync(null, TestContext.Current.CancellationToken);

        snapshot.Files.Select(f => f.Path).ShouldBe(["tracked.txt", "ünïcode name.txt"]);
        snapshot.TotalFiles.ShouldBe(2);
        snapshot.Notice.ShouldBeEmpty();
    }

    [Fact]
    public async Task Listing_PassesOverOutputFolders_WithoutGit()
    {
        _folder.Write("src/a.cs", "class A;");
        foreach (var ignored in (string[])["bin", "obj", "node_modules", "dist", "build", "vendor", ".git", "src/bin", "__pycache__"])
        {
            _folder.Write($"{ignored}/x.cs", "class X;");
        }

        (await ListAsync()).Files.ShouldBe(["src/a.cs"]);
    }

    [Fact]
    public async Task Listing_WalksByItself_WhereARepositoryAroundItIgnoresTheRoot()
    {
        _folder.Write(".gitignore", "inner/\n");
        _folder.Write("inner/a.cs", "class A;");
        await GitAsync("init", "-q");

        (await FileListing.OfAsync(new("shop", _folder.PathOf("inner")), TimeProvider.System, TestContext.Current.CancellationToken))
            .Files.ShouldBe(["a.cs"]);
    }

    [Fact]
    public async Task Listing_StopsAtItsLimit_AndSaysSo()
    {
        for (var i = 0; i < FileListing.MaxFiles + 5; i++)
        {
            File.Create(_folder.PathOf($"f{i}")).Dispose();
        }

        await using var index = Index();
        var snapshot = await index.SnapshotAsync(null, TestContext.Current.CancellationToken);

        snapshot.Files.Count.ShouldBe(FileListing.MaxFiles);
        snapshot.Notice.ShouldBe("This repository has 20005 files; only the first 20000 by path are read.");
    }

    [Fact]
    public async Task Listing_RunsNoProgram_ThatTheRepositoryConfigures()
    {
        _folder.Write("a.cs", "class A;");
        await GitAsync("init", "-q");
        var trap = _folder.Write("trap.sh", $"#!/bin/sh\ntouch '{_folder.PathOf("sprung")}'\n");
        await GitAsync("config", "core.fsmonitor", $"sh {trap}");

        (await ListAsync()).Files.ShouldContain("a.cs");

        File.Exists(_folder.PathOf("sprung")).ShouldBeFalse();
    }

    [Fact]
    public async Task Listing_NeverWrites()
    {
        _folder.Write("a.cs", "class A;");
        await GitAsync("init", "-q");
        await GitAsync("add", ".");
        File.SetLastWriteTimeUtc(_folder.PathOf("a.cs"), new DateTime(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        var before = File.GetLastWriteTimeUtc(_folder.PathOf(".git", "index"));

        await ListAsync();

        File.GetLastWriteTimeUtc(_folder.PathOf(".git", "index")).ShouldBe(before);
        Directory.EnumerateFiles(_folder.PathOf(".git"), "*.lock").ShouldBeEmpty();
    }

    private RepositoryIndex Index() =>
        new(new("shop", _folder.FullPath), TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);

    private Task<FileListing> ListAsync() =>
        FileListing.OfAsync(new("shop", _folder.FullPath), TimeProvider.System, TestContext.Current.CancellationToken);

    private async Task GitAsync(params string[] arguments) => await GitFolder.RunAsync(_folder, arguments);
}
