using System.Security.Cryptography;
using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Sessions.Ledger;
using McpGateway.Tests.Sessions;
using McpGateway.Upstreams;
using McpGateway.Upstreams.Links;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace McpGateway.Ledger.Tests;

/// <summary>Gateways side by side on one store, with a clock of the test's own.</summary>
public sealed class GatewayLedgerTests : IDisposable
{
    private static readonly LedgerTimes s_times = new(TimeSpan.FromSeconds(15), TimeSpan.FromHours(1));
    private static readonly UpstreamConfig s_config = Config(max: 64);
    private static readonly SessionKey s_pin = new("alice", "run/1");
    private static readonly ServerProfile s_server = new(McpEra.Legacy, McpVersion.LatestLegacy, "{\"name\":\"s\"}", "{\"tools\":{}}", "read me") { HasTools = true };

    private readonly ManualTimeProvider _clock = new();
    private readonly SqliteStore _store = new();
    private readonly RecordedLogs _logs = new();
    private readonly SealingKey _key = new("k", [.. RandomNumberGenerator.GetBytes(SealingKey.Size)]);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _store.Dispose();
        _logs.Dispose();
    }

    [Fact]
    public async Task Claim_GivesTheSessionAsItWas_WithIdsAboveThoseOfTheOldLink()
    {
        var (one, two) = (Open(), Open());
        await RecordAsync(one.Ledger);
        _clock.Advance(s_times.Owner);

        var claimed = (await two.Ledger.ClaimAsync(s_config, SessionProfile.Default, Cancellation))!;

        claimed.Secret.SessionId.ShouldBe("upstream-session");
        claimed.Secret.Server.ToString().ShouldBe(s_server.ToString());
        claimed.IsFree.ShouldBeTrue();
        using var http = new HttpClient();
        var opened = new UpstreamOpening(s_config, new GatewayOptions(), http, _clock, _logs.CreateLogger("test")).Resume(claimed);
        opened.Link.Version.ShouldBe(McpVersion.LatestLegacy);
        opened.Link.NextId().ShouldBeGreaterThan(1L << 32);
        (await two.Ledger.ClaimAsync(s_config, SessionProfile.Default, Cancellation)).ShouldBeNull();
    }

    [Fact]
    public async Task Claim_LeavesASessionAlone_ThatWasOpenedForAnotherKindOfClient()
    {
        var (one, two) = (Open(), Open());
        var other = SessionProfile.Of("2025-06-18", ClientCapabilities.ElicitationForm);
        await RecordAsync(one.Ledger, other);
        _clock.Advance(s_times.Owner);

        (await two.Ledger.ClaimAsync(s_config, SessionProfile.Default, Cancellation)).ShouldBeNull();
        (await two.Ledger.ClaimAsync(s_config, SessionProfile.Of("2025-06-18", ClientCapabilities.None), Cancellation)).ShouldBeNull();
        (await two.Ledger.ClaimAsync(s_config, other, Cancellation)).ShouldNotBeNull().Secret.Profile.ShouldBe("2025-06-18 with ElicitationForm");
    }

    /// <summary>Gateways of before there were profiles did not say what a session was opened as.</summary>
    [Fact]
    public void Secret_IsOfNoUse_WithoutAProfile()
    {
        var secret = new SessionSecret("id", new Uri("http://127.0.0.1/"), s_server, SessionProfile.Default.ToString(), IsUsed: false, Principal: null);

        secret.IsResumable.ShouldBeTrue();
        SessionSecret.FromBytes((secret with { Profile = null }).ToBytes()).IsResumable.ShouldBeFalse();
    }

    [Fact]
    public async Task BeginUse_IsRefused_AndTheSessionLeftAlone_OnceAnotherGatewayHasClaimedIt()
    {
        var (one, two) = (Open(), Open());
        var record = await RecordAsync(one.Ledger);
        _clock.Advance(s_times.Owner);
        (await two.Ledger.ClaimAsync(s_config, SessionProfile.Default, Cancellation)).ShouldNotBeNull();

        (await record.BeginUseAsync()).ShouldBeFalse();

        Link(record).HasLeft.ShouldBeTrue();
        record.Session!.State.ShouldBe(SessionState.Broken);
    }

    [Fact]
    public async Task Heartbeat_LetsGoOfWhatAnotherGatewayHasClaimed()
    {
        var (one, two) = (Open(), Open());
        var record = await RecordAsync(one.Ledger);
        _clock.Advance(s_times.Owner);
        (await two.Ledger.ClaimAsync(s_config, SessionProfile.Default, Cancellation)).ShouldNotBeNull();

        await one.Ledger.HeartbeatAsync(Cancellation);

        record.Session!.BreakReason.ShouldBe("another gateway has taken it over");
        Link(record).HasLeft.ShouldBeTrue();
        await record.Session.CloseAsync();
        (await two.Store.RenewAsync(two.Ledger.Owner, [record.Entry with { Owner = two.Ledger.Owner, Epoch = 2 }], Cancellation)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Claim_NeverGivesASession_ThatACallerHadWhenItsGatewayDied()
    {
        var (one, two) = (Open(), Open());
        var record = await RecordAsync(one.Ledger);
        (await record.BeginUseAsync()).ShouldBeTrue();
        _clock.Advance(s_times.Owner);

        (await two.Ledger.ClaimAsync(s_config, SessionProfile.Default, Cancellation)).ShouldBeNull();

        var orphan = (await two.Ledger.ListClaimableAsync(null, Cancellation)).ShouldHaveSingleItem();
        two.Ledger.MayResume(orphan, s_config).ShouldBeFalse();
    }

    [Fact]
    public async Task Expect_NotesTheUseOfTheNextSession_SoThatItsCallerNeedNotWaitForTheStore()
    {
        var one = Open();
        await using var test = new TestPool(new PoolOptions { Mode = PoolMode.Exclusive }, _clock);
        var record = await RecordAsync(one.Ledger);
        var session = test.Create(record: record);
        test.Pool.Add(session);

        test.Pool.Expect(SessionProfile.Default);

        await Eventually.SeesAsync(() => Task.FromResult(record.IsFree), free => !free);
        var leasing = test.LeaseAsync();
        leasing.IsCompleted.ShouldBeTrue();
        await using var lease = await leasing;
        lease.Session.ShouldBeSameAs(session);
    }

    [Fact]
    public async Task Claim_GivesASessionToAnybody_ThatWasNotedAsUsedAheadAndNeverWas()
    {
        var (one, two) = (Open(), Open());
        var record = await RecordAsync(one.Ledger);
        (await record.BeginUseAsync()).ShouldBeTrue();
        (await record.ParkAsync(principal: null, _clock.GetUtcNow().AddMinutes(2))).ShouldBeTrue();

        var claimed = await two.Ledger.ClaimAsync(s_config, SessionProfile.Default, Cancellation);

        claimed.ShouldNotBeNull().IsFree.ShouldBeTrue();
        claimed.Secret.Principal.ShouldBeNull();
    }

    [Fact]
    public async Task Claim_IsTakenBack_WhenTheSessionWasGivenToACallerAfterItWasListed()
    {
        var (one, two) = (Open(), Open());
        var record = await RecordAsync(one.Ledger);
        _clock.Advance(s_times.Owner);
        // Its owner is not dead, only late: between list and claim a caller gets the session.
        two.Store.BeforeClaim = async () => (await record.BeginUseAsync()).ShouldBeTrue();

        (await two.Ledger.ClaimAsync(s_config, SessionProfile.Default, Cancellation)).ShouldBeNull();
    }

    [Fact]
    public async Task BeginUse_IsRefused_WhenTheStoreThinksTheSessionUnusedAndCannotBeTold()
    {
        var one = Open();
        var record = await RecordAsync(one.Ledger);
        one.Store.Fails = true;

        (await record.BeginUseAsync()).ShouldBeFalse();
    }

    [Fact]
    public async Task BeginUse_IsGranted_WhenTheStoreNeverHeardOfTheSession_AndIsWrittenOnceItIsBack()
    {
        var (one, two) = (Open(), Open());
        one.Store.Fails = true;
        await one.Ledger.HeartbeatAsync(Cancellation);
        var record = await RecordAsync(one.Ledger);

        (await record.BeginUseAsync()).ShouldBeTrue();
        one.Store.Fails = false;
        await one.Ledger.HeartbeatAsync(Cancellation);
        _clock.Advance(s_times.Owner);

        (await two.Ledger.ClaimAsync(s_config, SessionProfile.Default, Cancellation)).ShouldBeNull();
        (await two.Ledger.ListClaimableAsync(null, Cancellation)).Length.ShouldBe(1);
    }

    [Fact]
    public async Task BeginUse_IsRefused_WhenNobodyKnowsWhetherTheEntryWasWritten()
    {
        var one = Open();
        one.Store.FailsAfterwards = true;
        var record = await RecordAsync(one.Ledger);

        (await record.BeginUseAsync()).ShouldBeFalse();

        one.Store.FailsAfterwards = false;
        await one.Ledger.HeartbeatAsync(Cancellation);
        (await record.BeginUseAsync()).ShouldBeTrue();
    }

    [Fact]
    public async Task Heartbeat_WritesAgain_WhatTheStoreHasLost()
    {
        var (one, two) = (Open(), Open());
        var record = await RecordAsync(one.Ledger);
        (await one.Store.ForgetAsync(record.Entry, Cancellation)).ShouldBeTrue();

        await one.Ledger.HeartbeatAsync(Cancellation);
        _clock.Advance(s_times.Owner);

        (await two.Ledger.ClaimAsync(s_config, SessionProfile.Default, Cancellation))!.Secret.SessionId.ShouldBe("upstream-session");
    }

    [Fact]
    public async Task Park_HandsTheSessionOn_ToItsPrincipalAlone_AndOnlyUntilItsTimeIsOver()
    {
        var (one, two) = (Open(), Open());
        var record = await RecordAsync(one.Ledger);
        (await record.BeginUseAsync()).ShouldBeTrue();
        (await record.ParkAsync("alice", _clock.GetUtcNow().AddMinutes(2))).ShouldBeTrue();
        (await record.BeginUseAsync()).ShouldBeFalse();
        (await record.ForgetAsync()).ShouldBeFalse();

        var claimed = (await two.Ledger.ClaimAsync(s_config, SessionProfile.Default, Cancellation))!;
        claimed.Secret.Principal.ShouldBe("alice");
        claimed.IsFree.ShouldBeTrue("nobody has it yet");

        (await claimed.ParkAsync("alice", _clock.GetUtcNow().AddMinutes(2))).ShouldBeTrue();
        _clock.Advance(TimeSpan.FromMinutes(2));
        (await one.Ledger.ClaimAsync(s_config, SessionProfile.Default, Cancellation)).ShouldBeNull();
    }

    [Fact]
    public async Task Claim_NeverGivesAResumedSession_ThatACallerHadWhenItsSecondGatewayDied()
    {
        var (one, two, three) = (Open(), Open(), Open());
        var record = await RecordAsync(one.Ledger);
        (await record.BeginUseAsync()).ShouldBeTrue();
        (await record.ParkAsync("alice", _clock.GetUtcNow().AddMinutes(2))).ShouldBeTrue();
        var claimed = (await two.Ledger.ClaimAsync(s_config, SessionProfile.Default, Cancellation))!;
        (await claimed.BeginUseAsync()).ShouldBeTrue();
        _clock.Advance(s_times.Owner);

        (await three.Ledger.ClaimAsync(s_config, SessionProfile.Default, Cancellation)).ShouldBeNull();

        (await three.Ledger.ListClaimableAsync(null, Cancellation)).Length.ShouldBe(1);
    }

    [Fact]
    public async Task PinnedSession_IsGivenToItsOwnKeyAlone_AndOnce()
    {
        var (one, two) = (Open(), Open());
        await ParkPinnedAsync(one.Ledger, s_pin);

        SessionKey[] others = [s_pin with { Principal = "bob" }, s_pin with { Affinity = "run/2" }, s_pin with { IsOfSession = true }, s_pin with { Affinity = null }, s_pin with { Profile = SessionProfile.Of("2025-06-18", ClientCapabilities.None) }];
        foreach (var other in others)
        {
            (await two.Ledger.ClaimParkedAsync(s_config, other, Cancellation)).ShouldBeNull(other.ToString());
            two.Ledger.IsParked(s_config, other).ShouldBeFalse(other.ToString());
        }

        (await two.Ledger.ClaimAsync(s_config, SessionProfile.Default, Cancellation)).ShouldBeNull("it is not for whoever comes first");
        (await two.Ledger.ClaimParkedAsync(Config(max: 3), s_pin, Cancellation)).ShouldBeNull("its upstream is configured otherwise");
        two.Ledger.IsParked(s_config, s_pin).ShouldBeTrue();
        (await two.Ledger.ClaimParkedAsync(s_config, s_pin, Cancellation))!.Secret.SessionId.ShouldBe("upstream-session");
        (await one.Ledger.ClaimParkedAsync(s_config, s_pin, Cancellation)).ShouldBeNull();
    }

    [Fact]
    public async Task PinnedSession_IsKnownFromTheHeartbeat_WithoutAskingTheStore_UntilItsTimeIsOver()
    {
        var (one, two) = (Open(), Open());
        await two.Ledger.HeartbeatAsync(Cancellation);
        await ParkPinnedAsync(one.Ledger, s_pin);
        two.Ledger.IsParked(s_config, s_pin).ShouldBeFalse("it has not looked since");

        await two.Ledger.HeartbeatAsync(Cancellation);
        var asked = two.Store.Asked;
        two.Ledger.IsParked(s_config, s_pin).ShouldBeTrue();
        two.Store.Asked.ShouldBe(asked);

        _clock.Advance(TimeSpan.FromMinutes(2));
        (await two.Ledger.ClaimParkedAsync(s_config, s_pin, Cancellation)).ShouldBeNull();
        two.Ledger.IsParked(s_config, s_pin).ShouldBeFalse();
    }

    [Fact]
    public async Task PinnedSession_IsStillKnown_WhenItWasGivenBackUntouched_AndTheStoreWasLookedAtMeanwhile()
    {
        var (one, two) = (Open(), Open());
        await ParkPinnedAsync(one.Ledger, s_pin);
        var claimed = (await two.Ledger.ClaimParkedAsync(s_config, s_pin, Cancellation))!;
        await two.Ledger.HeartbeatAsync(Cancellation);

        (await claimed.ReturnAsync(_clock.GetUtcNow().AddMinutes(1))).ShouldBeTrue();

        two.Ledger.IsParked(s_config, s_pin).ShouldBeTrue();
        (await two.Ledger.ClaimParkedAsync(s_config, s_pin, Cancellation)).ShouldNotBeNull();
    }

    [Fact]
    public async Task PinnedSession_IsNobodys_WhenTheGatewayThatWentOnWithItDied()
    {
        var (one, two, three) = (Open(), Open(), Open());
        await ParkPinnedAsync(one.Ledger, s_pin);
        var claimed = (await two.Ledger.ClaimParkedAsync(s_config, s_pin, Cancellation))!;
        (await claimed.BeginUseAsync()).ShouldBeTrue();
        _clock.Advance(s_times.Owner);

        (await three.Ledger.ClaimParkedAsync(s_config, s_pin, Cancellation)).ShouldBeNull("a call may have been under way");
        three.Ledger.MayResume((await three.Ledger.ListClaimableAsync(null, Cancellation)).ShouldHaveSingleItem(), s_config).ShouldBeFalse();
    }

    [Fact]
    public async Task PinnedSession_OfTheGatewayThatStoppedLast_IsGiven_WhenTwoHaveLeftOne()
    {
        var (one, two, three) = (Open(), Open(), Open());
        await ParkPinnedAsync(one.Ledger, s_pin);
        _clock.Advance(TimeSpan.FromSeconds(1));
        var later = await ParkPinnedAsync(two.Ledger, s_pin);

        (await three.Ledger.ClaimParkedAsync(s_config, s_pin, Cancellation))!.Entry.Id.ShouldBe(later.Entry.Id);
    }

    [Fact]
    public async Task Claim_TakesNothing_OfAnotherConfigurationOrAgedOut()
    {
        var (one, two) = (Open(), Open());
        await RecordAsync(one.Ledger);
        _clock.Advance(s_times.Owner);

        (await two.Ledger.ClaimAsync(Config(max: 3), SessionProfile.Default, Cancellation)).ShouldBeNull();
        _clock.Advance(TimeSpan.FromMinutes(30));
        (await two.Ledger.ClaimAsync(s_config, SessionProfile.Default, Cancellation)).ShouldBeNull();
        (await two.Ledger.ListClaimableAsync("up", Cancellation)).Length.ShouldBe(1);
    }

    [Fact]
    public async Task TamperedEntry_IsDropped_AndSaid()
    {
        var (one, two) = (Open(), Open());
        var record = await RecordAsync(one.Ledger);
        var other = await RecordAsync(one.Ledger);
        // What was sealed for one entry is put into another.
        await one.Store.RewriteAsync(record.Entry with { Sealed = other.Entry.Sealed }, Cancellation);
        await one.Ledger.DisposeAsync();

        var entry = (await two.Ledger.ListClaimableAsync(null, Cancellation)).Single(found => found.Id == record.Entry.Id);
        two.Ledger.MayResume(entry, s_config).ShouldBeFalse();
        (await two.Ledger.ClaimAsync(entry, Cancellation)).ShouldBeNull();

        (await two.Ledger.ListClaimableAsync(null, Cancellation)).ShouldHaveSingleItem().Id.ShouldBe(other.Entry.Id);
        _logs.Entries.ShouldContain(line => line.Message.Contains("was dropped", StringComparison.Ordinal));
        _logs.Entries.ShouldAllBe(line => !line.Message.Contains("upstream-session", StringComparison.Ordinal));
    }

    [Fact]
    public async Task EntryOfAnUnknownKey_IsLeftToThoseWhoKnowIt_AndSaidOnce()
    {
        var one = Open();
        var stranger = Open(new SealingKeys([new SealingKey("other", [.. RandomNumberGenerator.GetBytes(SealingKey.Size)])]));
        await RecordAsync(one.Ledger);
        await one.Ledger.DisposeAsync();

        (await stranger.Ledger.ListClaimableAsync(null, Cancellation)).ShouldBeEmpty();
        (await stranger.Ledger.ListClaimableAsync(null, Cancellation)).ShouldBeEmpty();

        _logs.Entries.Count(line => line.Message.Contains("key 'k'", StringComparison.Ordinal)).ShouldBe(1);
        (await Open().Ledger.ClaimAsync(s_config, SessionProfile.Default, Cancellation)).ShouldNotBeNull();
    }

    [Fact]
    public async Task Claim_WhoseAnswerIsLost_LeavesNoEntryThatNobodyCanEnd()
    {
        var (one, two) = (Open(), Open());
        var record = await RecordAsync(one.Ledger);
        _clock.Advance(s_times.Owner);
        var listed = (await two.Ledger.ListClaimableAsync(null, Cancellation)).ShouldHaveSingleItem();
        two.Store.FailsAfterwards = true;
        (await two.Ledger.ClaimAsync(listed, Cancellation)).ShouldBeNull();
        two.Store.FailsAfterwards = false;

        await two.Ledger.HeartbeatAsync(Cancellation);

        var left = (await two.Ledger.ListClaimableAsync(null, Cancellation)).ShouldHaveSingleItem();
        (left.Id, left.Owner, left.Epoch).ShouldBe((record.Entry.Id, two.Ledger.Owner, 2));
        // What was sealed when it was claimed is not known here: it may have been used since.
        two.Ledger.MayResume(left, s_config).ShouldBeFalse();
        (await two.Ledger.ClaimAsync(left, Cancellation)).ShouldNotBeNull();
        await two.Ledger.HeartbeatAsync(Cancellation);
        (await Open().Ledger.ListClaimableAsync(null, Cancellation)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Claim_ThatIsGivenUp_LeavesAloneWhatItDidNotGet()
    {
        var (one, two) = (Open(), Open());
        await RecordAsync(one.Ledger);
        _clock.Advance(s_times.Owner);
        using var gone = new CancellationTokenSource();
        two.Store.BeforeClaim = () => gone.CancelAsync().ContinueWith(_ => throw new OperationCanceledException(gone.Token), TaskScheduler.Default);
        await Should.ThrowAsync<OperationCanceledException>(() => two.Ledger.ClaimAsync(s_config, SessionProfile.Default, gone.Token));
        two.Store.BeforeClaim = null;

        // The next one would carry the same fence as the doubt, which would then give its session away.
        (await two.Ledger.ClaimAsync(s_config, SessionProfile.Default, Cancellation)).ShouldBeNull();
        await two.Ledger.HeartbeatAsync(Cancellation);

        var claimed = (await two.Ledger.ClaimAsync(s_config, SessionProfile.Default, Cancellation)).ShouldNotBeNull();
        claimed.Entry.Epoch.ShouldBe(2);
        await two.Ledger.HeartbeatAsync(Cancellation);
        (await claimed.BeginUseAsync()).ShouldBeTrue();
    }

    [Fact]
    public async Task Return_WhoseAnswerIsLost_IsMadeAgainAtTheNextHeartbeat()
    {
        var (one, two) = (Open(), Open());
        await RecordAsync(one.Ledger);
        _clock.Advance(s_times.Owner);
        var claimed = (await two.Ledger.ClaimAsync(s_config, SessionProfile.Default, Cancellation))!;
        two.Store.Fails = true;
        (await claimed.ReturnAsync(_clock.GetUtcNow().AddMinutes(1))).ShouldBeFalse();
        two.Store.Fails = false;

        await two.Ledger.HeartbeatAsync(Cancellation);

        (await Open().Ledger.ClaimAsync(s_config, SessionProfile.Default, Cancellation)).ShouldNotBeNull().Entry.Epoch.ShouldBe(3);
    }

    [Fact]
    public async Task LostStore_IsSaidOnce_AskedByTheHeartbeatAlone_AndSettledOnlyAfterTheOwnersTime()
    {
        var one = Open();
        one.Ledger.IsSettled.ShouldBeTrue();
        one.Store.Fails = true;
        for (var i = 0; i < 3; i++) await one.Ledger.HeartbeatAsync(Cancellation);
        var asked = one.Store.Asked;
        (await one.Ledger.ClaimAsync(s_config, SessionProfile.Default, Cancellation)).ShouldBeNull();
        one.Store.Asked.ShouldBe(asked);

        one.Store.Fails = false;
        await one.Ledger.HeartbeatAsync(Cancellation);

        _logs.Entries.Count(line => line.Message.Contains("does not answer", StringComparison.Ordinal)).ShouldBe(1);
        _logs.Entries.Count(line => line.Message.Contains("answers again", StringComparison.Ordinal)).ShouldBe(1);
        one.Ledger.IsSettled.ShouldBeFalse();
        _clock.Advance(s_times.Owner);
        one.Ledger.IsSettled.ShouldBeTrue();
    }

    private static UpstreamConfig Config(int max) =>
        new() { Name = "up", Transport = UpstreamTransport.Http, Url = new Uri("http://127.0.0.1:1/mcp"), Pool = new PoolOptions { Max = max } };

    private (GatewayLedger Ledger, FaultyLedger Store) Open(SealingKeys? keys = null)
    {
        var database = _store.Open();
        var store = new FaultyLedger(new SqliteSessionLedger(database, s_times, _clock));
        return (new GatewayLedger(OwnerFile.WithoutProof(), store, new SqliteEraLedger(database), keys ?? new SealingKeys([_key]), s_times, _clock, new Logger(_logs.CreateLogger("ledger"))), store);
    }

    private async Task<SessionRecord> RecordAsync(GatewayLedger ledger, SessionProfile? profile = null)
    {
        var link = new IdleLink();
        var record = (await ledger.RecordAsync(s_config, profile ?? SessionProfile.Default, link, s_server))!;
        record.Session = new UpstreamSession(1, link, s_server, _clock.GetTimestamp()) { Record = record };
        return record;
    }

    private async Task<SessionRecord> ParkPinnedAsync(GatewayLedger ledger, SessionKey pin)
    {
        var record = await RecordAsync(ledger);
        (await record.BeginUseAsync()).ShouldBeTrue();
        (await record.ParkAsync(pin.Principal, _clock.GetUtcNow().AddMinutes(2), pin)).ShouldBeTrue();
        return record;
    }

    private static IdleLink Link(SessionRecord record) => (IdleLink)record.Session!.Link;

    /// <summary>A link of a session that can be resumed, on which nothing is sent.</summary>
    private sealed class IdleLink() : UpstreamLink("up", NullLogger.Instance)
    {
        public bool HasLeft { get; private set; }

        public override UpstreamTransport Transport => UpstreamTransport.Http;

        public override bool KeepsSession => true;

        public override string? BrokenReason => null;

        public override bool NeedsProbe => false;

        public override string? ResumableId => "upstream-session";

        public override void Leave() => HasLeft = true;

        public override Task<UpstreamExchange> SendRequestAsync(OutgoingRequest request, CancellationToken cancellationToken) => throw new InvalidOperationException("Nothing is sent.");

        public override Task<bool> ListenAsync(CancellationToken cancellationToken) => Task.FromResult(false);

        public override Task SendNotificationAsync(ReadOnlyMemory<byte> message, McpMethod method, CancellationToken cancellationToken) => throw new InvalidOperationException("Nothing is sent.");

        public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    private sealed class Logger(ILogger logger) : ILogger<GatewayLedger>
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => logger.Log(logLevel, eventId, state, exception, formatter);
    }
}
