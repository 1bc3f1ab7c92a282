using Microsoft.Extensions.Logging.Abstractions;
using RepositoryTools.Repositories;
using RepositoryTools.Serving;

namespace RepositoryTools.Tests;

public sealed class IndexTests : IDisposable
{
    private readonly TemporaryDirectory _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Index_SeesNewChangedAndDeletedFiles()
    {
        _folder.Write("src/a.cs", "class A { }\n");
        await using var tools = await Tools.OverAsync(_folder);
        (await tools.AnswerAsync("find_entities")).Texts("entities", "name").ShouldBe(["A"]);

        _folder.Write("new/deep/b.cs", "class B { }\n");
        await Eventually.SeesAsync(() => tools.AnswerAsync("find_entities"), a => a.Texts("entities", "name").SequenceEqual(["A", "B"]));

        _folder.Write("src/a.cs", "class Other { }\n");
        await Eventually.SeesAsync(() => tools.AnswerAsync("find_entities"), a => a.Texts("entities", "name").SequenceEqual(["B", "Other"]));

        Directory.Delete(_folder.PathOf("new"), recursive: true);
        await Eventually.SeesAsync(() => tools.AnswerAsync("find_entities"), a => a.Texts("entities", "name").SequenceEqual(["Other"]));
    }

    [Fact]
    public async Task Index_AnswersToolErrors_WhileTheRootIsGone_AndRecovers()
    {
        var root = _folder.PathOf("root");
        _folder.Write("root/a.cs", "class A { }\n");
        await using var tools = await Tools.StartAsync($"shop={root}");
        (await tools.AnswerAsync("list_files")).Number("total").ShouldBe(1);

        Directory.Move(root, _folder.PathOf("moved"));
        (await tools.FaultAsync("list_files")).ShouldContain("there is no folder");
        (await tools.FaultAsync("read_file", ("path", "a.cs"))).ShouldContain("there is no folder");

        _folder.Write("root/b.cs", "class B { }\n");
        await Eventually.SeesAsync(() => tools.AnswerAsync("list_files"), a => a.Texts("files", "file").SequenceEqual(["b.cs"]));
    }

    [Fact]
    public async Task Refresh_GoesOn_WhenItsCallerGivesUp()
    {
        _folder.Write("a.cs", "class A { }\n");
        await using var index = Index();
        using var impatient = new CancellationTokenSource();
        var first = index.SnapshotAsync(null, impatient.Token);
        await impatient.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(async () =>
        {
            await first;
            throw new OperationCanceledException("It was faster than the cancellation.");
        });

        (await index.SnapshotAsync(null, TestContext.Current.CancellationToken)).Files.ShouldHaveSingleItem();
    }

    [Fact]
    public async Task Snapshot_IsShared_UntilSomethingChanges()
    {
        _folder.Write("a.cs", "class A { }\n");
        await using var index = Index();

        var snapshots = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Task.Run(() => index.SnapshotAsync(null, TestContext.Current.CancellationToken))));
        var again = await index.SnapshotAsync(null, TestContext.Current.CancellationToken);

        snapshots.Distinct().Count().ShouldBeLessThanOrEqualTo(2);
        again.Files[0].ShouldBeSameAs(snapshots[^1].Files[0]);
    }

    [Fact]
    public async Task Index_FailsWithTheReason_WhenTheRootIsMissing()
    {
        await using var index = new RepositoryIndex(new("shop", _folder.PathOf("none")), TimeProvider.System, NullLogger.Instance);
        index.Start(Task.CompletedTask);

        var fault = await Should.ThrowAsync<ToolError>(() => index.SnapshotAsync(null, TestContext.Current.CancellationToken));

        fault.Message.ShouldContain("Repository 'shop' cannot be read");
    }

    private RepositoryIndex Index() => new(new("shop", _folder.FullPath), TimeProvider.System, NullLogger.Instance);
}
