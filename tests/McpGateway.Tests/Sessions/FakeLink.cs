using System.Collections.Concurrent;
using System.Text;
using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Upstreams;
using McpGateway.Upstreams.Links;
using Microsoft.Extensions.Logging.Abstractions;

namespace McpGateway.Tests.Sessions;

/// <summary>A link without a wire: it answers every request with an empty result, or as told.</summary>
internal sealed class FakeLink() : UpstreamLink("up", NullLogger.Instance)
{
    private string? _brokenReason;
    private int _pings;
    private int _disposals;

    public bool Probed { get; set; }

    /// <summary>What a ping meets; null when it is answered.</summary>
    public UpstreamException? PingFails { get; set; }

    /// <summary>Answers to the upstream's questions, and notifications.</summary>
    public ConcurrentQueue<string> Said { get; } = new();

    public int Pings => Volatile.Read(ref _pings);

    public int Disposals => Volatile.Read(ref _disposals);

    public override UpstreamTransport Transport => UpstreamTransport.Http;

    public override bool KeepsSession => true;

    public override string? BrokenReason => Volatile.Read(ref _brokenReason);

    public override bool NeedsProbe => Probed;

    public void Break(string reason) => Interlocked.CompareExchange(ref _brokenReason, reason, null);

    public override Task<UpstreamExchange> SendRequestAsync(OutgoingRequest request, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _pings);
        return PingFails is { } failure ? Task.FromException<UpstreamExchange>(failure) : Task.FromResult<UpstreamExchange>(new Answer(request.Id));
    }

    public override Task SendNotificationAsync(ReadOnlyMemory<byte> message, McpMethod method, CancellationToken cancellationToken)
    {
        Said.Enqueue(Encoding.UTF8.GetString(message.Span));
        return Task.CompletedTask;
    }

    public override Task<bool> ListenAsync(CancellationToken cancellationToken) => Task.FromResult(true);

    public override ValueTask DisposeAsync()
    {
        Interlocked.Increment(ref _disposals);
        return ValueTask.CompletedTask;
    }

    private sealed class Answer(long id) : UpstreamExchange
    {
        public override ValueTask<UpstreamMessage> NextAsync(CancellationToken cancellationToken) =>
            ValueTask.FromResult(UpstreamMessage.Scan(MessageBuffer.CopyOf(Encoding.UTF8.GetBytes($$$"""{"jsonrpc":"2.0","id":{{{id}}},"result":{}}"""))));

        public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
