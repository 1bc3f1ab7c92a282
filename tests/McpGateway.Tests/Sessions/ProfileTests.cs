using McpGateway.Sessions;

namespace McpGateway.Tests.Sessions;

/// <summary>Callers of several profiles at one pool.</summary>
public sealed class ProfileTests
{
    private static readonly PoolOptions s_options = new() { Mode = PoolMode.Exclusive, MinIdle = 1, Max = 64 };

    private static readonly SessionProfile s_old = SessionProfile.Of("2025-06-18", ClientCapabilities.None);

    [Fact]
    public async Task Lease_GivesASessionOfItsProfile_AndTheNextOfTheSameFindsOneWarm()
    {
        await using var test = new TestPool(s_options) { Opens = true };
        test.Add();
        test.Pool.KeepsWarm(s_old).ShouldBeFalse();

        var lease = await test.LeaseAsync(Of(s_old));

        lease.Session.Profile.ShouldBe(s_old);
        test.Pool.KeepsWarm(s_old).ShouldBeTrue();
        test.Pool.Counts.Idle.ShouldBe(2, "one unused session of each profile");
        await lease.DisposeAsync();
        await using var other = await test.LeaseAsync();
        other.Session.Profile.ShouldBe(SessionProfile.Default);
    }

    [Fact]
    public async Task Affinity_IsAnothers_WhereTheProfileIsAnother()
    {
        await using var test = new TestPool(s_options with { Mode = PoolMode.Auto }) { Opens = true };
        await using var one = await test.LeaseAsync(TestPool.Of("a"));
        await using var two = await test.LeaseAsync(TestPool.Of("a") with { Profile = s_old });

        two.Session.ShouldNotBeSameAs(one.Session);
        two.Session.Profile.ShouldBe(s_old);
    }

    [Fact]
    public async Task Expect_OpensASession_BeforeTheFirstCall()
    {
        await using var test = new TestPool(s_options with { MinIdle = 2 }) { Opens = true };

        test.Pool.Expect(s_old);

        test.Sessions.Count(session => session.Profile == s_old).ShouldBe(2);
        await using var lease = await test.LeaseAsync(Of(s_old));
        lease.Session.ShouldBeSameAs(test.Sessions.First(session => session.Profile == s_old));
    }

    [Fact]
    public async Task Pool_KeepsEightProfilesWarm_AndLetsGoOfTheLeastRecentlyUsed()
    {
        await using var test = new TestPool(s_options) { Opens = true };
        var profiles = Some(Shelves.MostWarm).ToArray();
        foreach (var profile in profiles)
        {
            test.Clock.Advance(TimeSpan.FromSeconds(1));
            await (await test.LeaseAsync(Of(profile))).DisposeAsync();
        }

        test.Pool.KeepsWarm(SessionProfile.Default).ShouldBeTrue();
        test.Pool.KeepsWarm(profiles[0]).ShouldBeFalse();
        profiles.Skip(1).ShouldAllBe(profile => test.Pool.KeepsWarm(profile));
        test.Sessions.Where(session => session.Profile == profiles[0]).ShouldAllBe(session => session.State == SessionState.Closed && session.CloseCode == "profile_unused");
    }

    [Fact]
    public async Task Pool_DoesNotLetGoOfAProfile_ThatSomebodyWaitsFor()
    {
        await using var test = new TestPool(s_options);
        var waited = SessionProfile.Of("2025-06-18", ClientCapabilities.Sampling);
        var waiting = test.LeaseAsync(Of(waited)).AsTask();
        foreach (var profile in Some(Shelves.MostWarm + 2))
        {
            test.Clock.Advance(TimeSpan.FromMilliseconds(1));
            test.Pool.Expect(profile);
        }

        test.Pool.KeepsWarm(waited).ShouldBeTrue();
        test.Add(profile: waited);
        await (await waiting).DisposeAsync();
    }

    [Fact]
    public async Task Sweep_LetsGoOfAProfile_ThatNobodyHasUsedForTheIdleTimeout()
    {
        await using var test = new TestPool(s_options) { Opens = true };
        await (await test.LeaseAsync(Of(s_old))).DisposeAsync();
        test.Clock.Advance(s_options.IdleTimeout + TimeSpan.FromSeconds(1));

        await test.Pool.SweepAsync(TestContext.Current.CancellationToken);

        test.Pool.KeepsWarm(s_old).ShouldBeFalse();
        test.Sessions.Where(session => session.Profile == s_old).ShouldAllBe(session => session.State == SessionState.Closed);
        test.Pool.Counts.Idle.ShouldBe(1);
    }

    [Fact]
    public async Task Return_ClosesASession_WhoseProfileWasLetGoOfMeanwhile()
    {
        await using var test = new TestPool(s_options) { Opens = true };
        var held = await test.LeaseAsync(Of(s_old));
        test.Clock.Advance(s_options.IdleTimeout + TimeSpan.FromSeconds(1));
        await test.Pool.SweepAsync(TestContext.Current.CancellationToken);

        await held.DisposeAsync();

        held.Session.CloseCode.ShouldBe("profile_unused");
        test.Pool.Counts.Total.ShouldBe(1);
    }

    [Fact]
    public async Task Opener_IsAskedFirst_ForWhatIsWaitedFor()
    {
        await using var test = new TestPool(s_options);
        var third = SessionProfile.Of("2025-03-26", ClientCapabilities.None);
        test.Pool.Expect(third);
        test.Add(profile: third);
        await using var held = await test.LeaseAsync(Of(third));
        var waiting = new[] { test.LeaseAsync(Of(third)).AsTask(), test.LeaseAsync(Of(third)).AsTask(), test.LeaseAsync(Of(s_old)).AsTask() };

        var asked = Enumerable.Range(0, 5).Select(_ => test.Pool.TryBeginOpening()).ToArray();

        // The one without any session, then where most wait, then what is to be warm.
        asked.ShouldBe([s_old, third, third, SessionProfile.Default, null]);
        foreach (var profile in asked.OfType<SessionProfile>())
        {
            test.Add(profile: profile);
            test.Pool.EndOpening(profile);
        }

        foreach (var lease in await Task.WhenAll(waiting)) await lease.DisposeAsync();
    }

    [Fact]
    public async Task Waiter_TakesThePlaceOfAnUnusedSessionOfAnotherProfile_AtTheMaximum()
    {
        await using var test = new TestPool(s_options with { Max = 2, MinIdle = 0 }) { Opens = true };
        await using var held = await test.LeaseAsync();
        var unused = test.Add();

        await using var lease = await test.LeaseAsync(Of(s_old));

        lease.Session.Profile.ShouldBe(s_old);
        unused.CloseCode.ShouldBe("evicted");
        held.Session.State.ShouldBe(SessionState.Leased);
        test.Pool.Counts.Total.ShouldBe(2);
    }

    /// <summary>Two kinds of clients that both always wait must not shut each other out where one session is all there is.</summary>
    [Fact]
    public async Task Return_GivesItsPlace_ToAProfileThatHasNone()
    {
        await using var test = new TestPool(s_options with { Max = 1, MinIdle = 0 }) { Opens = true };
        var held = await test.LeaseAsync();
        var same = test.LeaseAsync().AsTask();
        var other = test.LeaseAsync(Of(s_old)).AsTask();

        await held.DisposeAsync();
        var second = await other;
        same.IsCompleted.ShouldBeFalse();
        await second.DisposeAsync();

        await (await same).DisposeAsync();
        test.Pool.Counts.Total.ShouldBe(1);
    }

    [Fact]
    public async Task Opening_ReservesItsPlace()
    {
        await using var test = new TestPool(s_options with { Max = 2, MinIdle = 2 });

        test.Pool.TryBeginOpening().ShouldBe(SessionProfile.Default);
        test.Pool.TryBeginOpening().ShouldBe(SessionProfile.Default);
        test.Pool.TryBeginOpening().ShouldBeNull();
        test.Pool.EndOpening(SessionProfile.Default);

        test.Pool.TryBeginOpening().ShouldBe(SessionProfile.Default);
    }

    /// <summary>So many profiles, up to 16, none of them the default one.</summary>
    private static IEnumerable<SessionProfile> Some(int count) =>
        from version in new[] { "2024-11-05", "2025-03-26" }.Take((count + 7) / 8)
        from flags in Enumerable.Range(0, 8).Take(count - (version == "2024-11-05" ? 0 : 8))
        select SessionProfile.Of(version, (ClientCapabilities)((flags & 1) | ((flags >> 1) << 5)));

    private static SessionKey Of(SessionProfile profile) => TestPool.Alone with { Profile = profile };
}
