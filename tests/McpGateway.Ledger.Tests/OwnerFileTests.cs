using McpGateway.Sessions.Ledger;
using Microsoft.Extensions.Logging.Abstractions;

namespace McpGateway.Ledger.Tests;

public sealed class OwnerFileTests : IDisposable
{
    private const string Killed = "0123456789abcdef0123";

    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Owner_CountsAsAlive_WhileItHoldsItsFile()
    {
        using var one = Create();
        using var two = Create();

        one.Owner.ShouldNotBe(two.Owner);
        two.FindDead().ShouldBeEmpty();
        (two.IsDead(one.Owner), two.IsDead(two.Owner)).ShouldBe((false, false));
        File.Exists(FileOf(one.Owner)).ShouldBeTrue();
    }

    [Fact]
    public void Owner_IsDead_OnceItsLockIsFree_AndIsFoundUntilItIsForgotten()
    {
        using var one = Create();
        Leave(Killed, OwnerFile.Boot);

        one.FindDead().ShouldBe([Killed]);
        one.FindDead().ShouldBe([Killed]);
        one.Forget(Killed);

        one.FindDead().ShouldBeEmpty();
        // Whose permit is found later is known all the same.
        one.IsDead(Killed).ShouldBeTrue();
    }

    [Fact]
    public void FreeLock_ProvesNothing_WhenItIsOfAnotherBoot_OrSaysNothingYet()
    {
        using var one = Create();
        Leave(Killed, "another-boot-or-machine");
        var empty = new string('f', 20);
        Leave(empty, "");

        one.FindDead().ShouldBeEmpty();

        one.IsDead(Killed).ShouldBeFalse();
        File.Exists(FileOf(Killed)).ShouldBeFalse();
        // Its owner may be about to write.
        File.Exists(FileOf(empty)).ShouldBeTrue();
    }

    [Fact]
    public void Owner_WithoutAFile_IsNotDead()
    {
        using var one = Create();

        one.IsDead(Killed).ShouldBeFalse();
        one.IsDead("../gateway").ShouldBeFalse();
        OwnerFile.WithoutProof().FindDead().ShouldBeEmpty();
    }

    [Fact]
    public void Dispose_LeavesNoFile()
    {
        var one = Create();
        one.Dispose();
        one.Dispose();

        Directory.GetFiles(_directory.FullPath).ShouldBeEmpty();
    }

    [Fact]
    public void Create_GoesOnWithoutProof_WhereThereIsNoDirectory()
    {
        using var one = OwnerFile.Create(_directory.PathOf("none"), NullLogger.Instance);

        one.Owner.Length.ShouldBe(20);
        one.FindDead().ShouldBeEmpty();
    }

    private OwnerFile Create() => OwnerFile.Create(_directory.FullPath, NullLogger.Instance);

    /// <summary>A file as a process leaves it that was killed: its lock is free.</summary>
    private void Leave(string owner, string boot) => File.WriteAllText(FileOf(owner), boot);

    private string FileOf(string owner) => _directory.PathOf($"owner-{owner}.lock");
}
