using System.Threading.Channels;
using McpGateway.Endpoints.Replicas;

namespace McpGateway.Ledger.Tests;

/// <summary>Both ends of a relay between gateways, message by message: what gets lost on the way, comes twice, or comes no more.</summary>
public sealed class ReplicaLineTests
{
    private readonly ManualTimeProvider _time = new();
    private readonly Posts _posts = new();
    private readonly RelayLine _line;

    public ReplicaLineTests() => _line = new RelayLine(_posts, "other", "relay", "", _time);

    [Fact]
    public async Task Part_GoesAgain_WhenTheOtherEndSaysThatItHasNotCome_AndTheNextWaitsForIt()
    {
        _line.Acknowledge(0);
        _posts.Outcome = PostOutcome.Unavailable;
        var sending = _line.SendAsync(Part());
        (await _posts.NextAsync()).Number.ShouldBe(1);
        _posts.Outcome = PostOutcome.Delivered;

        _line.Acknowledge(0);

        (await _posts.NextAsync()).Number.ShouldBe(1);
        sending.IsCompleted.ShouldBeFalse();
        _line.Acknowledge(1);
        await sending;
        var second = _line.SendAsync(Part());
        (await _posts.NextAsync()).Number.ShouldBe(2);
        _line.Acknowledge(2);
        await second;
    }

    [Fact]
    public async Task Line_IsSilentWithoutBeats_AndABusyOneAcknowledgesNothing()
    {
        _line.Acknowledge(0);
        var sending = _line.SendAsync(Part());
        await _posts.NextAsync();
        _time.Advance(RelayLine.Patience + TimeSpan.FromSeconds(1));
        _line.IsSilent.ShouldBeTrue();

        _line.Acknowledge(RelayLine.Busy);

        _line.IsSilent.ShouldBeFalse();
        sending.IsCompleted.ShouldBeFalse();
        _posts.IsEmpty.ShouldBeTrue();
        _line.Acknowledge(1);
        await sending;
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Sender_IsLetGo_AndWhatItSendsCancelled_WhenTheOtherEndIsGone(bool isDead)
    {
        if (isDead) _posts.Outcome = PostOutcome.Dead;
        var left = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = _line.Left.Register(left.SetResult);

        var sending = _line.SendAsync(Part());
        if (!isDead) _line.Leave();

        await sending;
        await left.Task.WaitAsync(Eventually.Patience, TimeProvider.System, TestContext.Current.CancellationToken);
        _line.Leave();
        _line.IsLeft.ShouldBeTrue();
    }

    [Fact]
    public async Task Reader_GetsEachPartOnce_InOrder_HoweverOftenTheyCome()
    {
        var call = new ForwardedCall();
        call.Acknowledged.ShouldBe(0);

        call.Take(Part(1)).ShouldBeFalse();
        call.Acknowledged.ShouldBe(RelayLine.Busy);
        // Still on its way to the client: its acknowledgement is not lost, there was none.
        call.Take(Part(1)).ShouldBeFalse();
        call.Take(Part(3)).ShouldBeFalse();
        call.PassedOn(Part(1));
        call.Acknowledged.ShouldBe(1);
        call.Take(Part(1)).ShouldBeTrue();
        call.Take(Part(2)).ShouldBeFalse();
        call.Take(Part(3)).ShouldBeFalse();
        call.Lose();
        call.Take(Part(4)).ShouldBeFalse();

        var read = new List<long>();
        await foreach (var part in call.ReadAsync(TestContext.Current.CancellationToken)) read.Add(part.Number);
        read.ShouldBe([1, 2, 3]);
    }

    private static ReplicaMessage Part(long number = 0) => new(ReplicaMessageKind.Part, "") { Number = number };

    /// <summary>What is posted, and what becomes of it.</summary>
    private sealed class Posts : IReplicas
    {
        private readonly Channel<ReplicaMessage> _posted = Channel.CreateUnbounded<ReplicaMessage>();

        public string Name => "this";

        public PostOutcome Outcome { get; set; } = PostOutcome.Delivered;

        public bool IsEmpty => _posted.Reader.Count == 0;

        public async Task<ReplicaMessage> NextAsync() => await _posted.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Eventually.Patience, TimeProvider.System);

        public Task<PostOutcome> PostAsync(string replica, ReplicaMessage message)
        {
            var outcome = Outcome;
            _posted.Writer.TryWrite(message);
            return Task.FromResult(outcome);
        }

        public Task SpreadAsync(ReplicaMessage message) => throw new NotSupportedException();

        public Task ListenAsync(string session) => throw new NotSupportedException();

        public Task<bool> TrySendToListenerAsync(ReplicaMessage message) => throw new NotSupportedException();
    }
}
