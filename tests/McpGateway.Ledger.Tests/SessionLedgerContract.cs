using McpGateway.Sessions.Ledger;

namespace McpGateway.Ledger.Tests;

/// <summary>What every session ledger does, whatever it is kept in. Times are real and short: Redis ends keys by its own clock.</summary>
public abstract class SessionLedgerContract : IAsyncLifetime
{
    private static readonly LedgerTimes s_long = new(TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(10));
    private static readonly LedgerTimes s_shortLife = new(TimeSpan.FromSeconds(0.5), TimeSpan.FromMinutes(10));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public abstract ValueTask InitializeAsync();

    public abstract ValueTask DisposeAsync();

    /// <summary>A ledger with a connection of its own on the one store of the test.</summary>
    private protected abstract ISessionLedger Open(LedgerTimes times);

    [Fact]
    public async Task ListClaimable_HoldsBackEntries_WhileTheirOwnerLives()
    {
        var ledger = Open(s_long);
        await ledger.RecordAsync(Entry("a"), Cancellation);

        (await ledger.ListClaimableAsync(null, Cancellation)).ShouldBeEmpty();
        (await ledger.ClaimAsync(Entry("a"), "two", Cancellation)).ShouldBeNull();
    }

    [Fact]
    public async Task ListClaimable_GivesEntriesAsTheyWereWritten_OnceTheirOwnerLeft()
    {
        var ledger = Open(s_long);
        var later = Entry("later") with { OpenedAt = Entry("a").OpenedAt.AddSeconds(1) };
        await ledger.RecordAsync(later, Cancellation);
        await ledger.RecordAsync(Entry("a"), Cancellation);
        await ledger.RecordAsync(Entry("b") with { Upstream = "other" }, Cancellation);

        await ledger.LeaveAsync("one", Cancellation);

        (await ledger.ListClaimableAsync("up", Cancellation)).ShouldBe([Entry("a"), later]);
        (await ledger.ListClaimableAsync(null, Cancellation)).Count.ShouldBe(3);
    }

    [Fact]
    public async Task ListClaimable_GivesEntries_OnceTheirOwnerHasGivenNoSignOfLifeForLong()
    {
        var ledger = Open(s_shortLife);
        await ledger.RecordAsync(Entry("a"), Cancellation);

        await Eventually.SeesAsync(() => ledger.ListClaimableAsync(null, Cancellation), found => found.Count == 1);
    }

    [Fact]
    public async Task Renew_KeepsTheOwnerAlive()
    {
        var ledger = Open(s_shortLife);
        await ledger.RecordAsync(Entry("a"), Cancellation);
        var start = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(start) < s_shortLife.Owner * 3)
        {
            (await ledger.RenewAsync("one", [Entry("a")], Cancellation)).ShouldBeEmpty();
            (await ledger.ListClaimableAsync(null, Cancellation)).ShouldBeEmpty();
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, Cancellation);
        }
    }

    [Fact]
    public async Task Entry_Goes_WhenNobodyRenewsIt()
    {
        var ledger = Open(new LedgerTimes(TimeSpan.FromSeconds(0.1), TimeSpan.FromSeconds(0.6)));
        await ledger.RecordAsync(Entry("a"), Cancellation);
        await Eventually.SeesAsync(() => ledger.ListClaimableAsync(null, Cancellation), found => found.Count == 1);

        await Eventually.SeesAsync(() => ledger.ListClaimableAsync(null, Cancellation), found => found.Count == 0);

        // Redis ends the entry and its place in the list by its own clock, a moment apart.
        await Task.Delay(TimeSpan.FromMilliseconds(500), TimeProvider.System, Cancellation);
        (await ledger.ClaimAsync(Entry("a"), "two", Cancellation)).ShouldBeNull();
        (await ledger.RewriteAsync(Entry("a"), Cancellation)).ShouldBeFalse();
        (await ledger.RenewAsync("one", [Entry("a")], Cancellation))["a"].ShouldBe(LedgerLoss.Gone);
    }

    [Fact]
    public async Task Renew_KeepsAnEntryBeyondItsTime()
    {
        var ledger = Open(new LedgerTimes(TimeSpan.FromMinutes(1), TimeSpan.FromSeconds(0.6)));
        await ledger.RecordAsync(Entry("a"), Cancellation);
        var start = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(start) < TimeSpan.FromSeconds(1.5))
        {
            (await ledger.RenewAsync("one", [Entry("a")], Cancellation)).ShouldBeEmpty();
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, Cancellation);
        }
    }

    [Fact]
    public async Task Claim_HasOneWinner_OfMany()
    {
        var ledger = Open(s_long);
        for (var round = 0; round < 20; round++)
        {
            var entry = Entry($"e{round}");
            await ledger.RecordAsync(entry, Cancellation);
            await ledger.LeaveAsync("one", Cancellation);
            var claimers = Enumerable.Range(0, 8).Select(number => (Ledger: number < 2 ? Open(s_long) : ledger, Name: $"claimer{number}"));

            var claims = await Task.WhenAll(claimers.Select(claimer => Task.Run(() => claimer.Ledger.ClaimAsync(entry, claimer.Name, Cancellation))));

            var winner = claims.OfType<LedgerEntry>().ShouldHaveSingleItem();
            winner.Epoch.ShouldBe(2);
            winner.ShouldBe(entry with { Owner = winner.Owner, Epoch = 2 });
        }
    }

    [Fact]
    public async Task Claim_FencesTheOldOwnerOut()
    {
        var ledger = Open(s_long);
        await ledger.RecordAsync(Entry("a"), Cancellation);
        await ledger.LeaveAsync("one", Cancellation);
        var claimed = (await ledger.ClaimAsync(Entry("a"), "two", Cancellation))!;

        (await ledger.RewriteAsync(Entry("a") with { Sealed = "stale" }, Cancellation)).ShouldBeFalse();
        (await ledger.ForgetAsync(Entry("a"), Cancellation)).ShouldBeFalse();
        (await ledger.RenewAsync("one", [Entry("a")], Cancellation))["a"].ShouldBe(LedgerLoss.Taken);
        (await ledger.RenewAsync("two", [claimed], Cancellation)).ShouldBeEmpty();
        await ledger.RecordAsync(Entry("a") with { Sealed = "stale" }, Cancellation);

        await ledger.LeaveAsync("two", Cancellation);
        (await ledger.ListClaimableAsync(null, Cancellation)).ShouldHaveSingleItem().ShouldBe(claimed);
    }

    [Fact]
    public async Task Claim_ByTheSameOwnerAgain_NeedsTheNewEpoch()
    {
        var ledger = Open(s_long);
        await ledger.RecordAsync(Entry("a"), Cancellation);
        await ledger.LeaveAsync("one", Cancellation);
        var claimed = (await ledger.ClaimAsync(Entry("a"), "one", Cancellation))!;

        (await ledger.RewriteAsync(Entry("a"), Cancellation)).ShouldBeFalse();
        (await ledger.RewriteAsync(claimed, Cancellation)).ShouldBeTrue();
    }

    [Fact]
    public async Task Claim_GivesWhatIsSealedNow_NotWhatWasListed()
    {
        var ledger = Open(s_long);
        await ledger.RecordAsync(Entry("a"), Cancellation);
        await ledger.LeaveAsync("one", Cancellation);
        var listed = (await ledger.ListClaimableAsync(null, Cancellation)).Single();
        (await ledger.RewriteAsync(Entry("a") with { Sealed = "used" }, Cancellation)).ShouldBeTrue();

        (await ledger.ClaimAsync(listed, "two", Cancellation))!.Sealed.ShouldBe("used");
    }

    [Fact]
    public async Task Rewrite_ParksAnEntry_SoThatOneClaimerGetsItWhileItsOwnerStillLives()
    {
        var ledger = Open(s_long);
        var until = Entry("a").OpenedAt.AddMinutes(2);
        await ledger.RecordAsync(Entry("a"), Cancellation);
        (await ledger.RewriteAsync(Entry("a") with { Sealed = "parked", ParkedUntil = until }, Cancellation)).ShouldBeTrue();

        var listed = (await ledger.ListClaimableAsync("up", Cancellation)).ShouldHaveSingleItem();
        listed.ShouldBe(Entry("a") with { Sealed = "parked", ParkedUntil = until });
        (await ledger.ClaimAsync(listed, "two", Cancellation)).ShouldBe(listed with { Owner = "two", Epoch = 2, ParkedUntil = null });
        (await ledger.ListClaimableAsync("up", Cancellation)).ShouldBeEmpty();
        (await ledger.ClaimAsync(listed, "three", Cancellation)).ShouldBeNull();
    }

    [Fact]
    public async Task Forget_RemovesTheEntry()
    {
        var ledger = Open(s_long);
        await ledger.RecordAsync(Entry("a"), Cancellation);

        (await ledger.ForgetAsync(Entry("a"), Cancellation)).ShouldBeTrue();
        (await ledger.ForgetAsync(Entry("a"), Cancellation)).ShouldBeFalse();

        await ledger.LeaveAsync("one", Cancellation);
        (await ledger.ListClaimableAsync(null, Cancellation)).ShouldBeEmpty();
    }

    private static LedgerEntry Entry(string id) => new()
    {
        Id = id,
        Upstream = "up",
        Fingerprint = "print",
        Owner = "one",
        Sealed = $"sealed-{id}",
        OpenedAt = new DateTimeOffset(2026, 8, 1, 12, 0, 0, TimeSpan.Zero),
    };
}
