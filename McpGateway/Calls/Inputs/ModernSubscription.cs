using System.Text;
using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Upstreams;
using McpGateway.Upstreams.Links;

namespace McpGateway.Calls.Inputs;

/// <summary>
/// A legacy client's resource subscriptions at a modern upstream: one <c>subscriptions/listen</c> that names all of them, and is replaced by
/// another whenever they change. Changed under its lock by the client's requests, one at a time; ended with the client's session. It is
/// made where the client's calls go: a child process knows of its own changes only.
/// </summary>
internal sealed class ModernSubscription(Upstream upstream, SessionKey owner, ClientPeer peer, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan s_acknowledged = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_again = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _changing = new(1);
    private CancellationTokenSource? _listening;

    /// <summary>Listens to these addresses from now on. Completes when the upstream has acknowledged it, or took too long to.</summary>
    /// <exception cref="UpstreamException">The upstream is not available.</exception>
    public async Task ChangeAsync(IReadOnlyCollection<string> uris, CancellationToken cancellationToken)
    {
        await _changing.WaitAsync(cancellationToken);
        try
        {
            if (Interlocked.Exchange(ref _listening, null) is { } before) await before.CancelAsync();
            if (uris.Count == 0) return;
            var listening = new CancellationTokenSource();
            _listening = listening;
            var acknowledged = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            using (ExecutionContext.SuppressFlow()) _ = Task.Run(() => RunAsync(uris, acknowledged, listening.Token), CancellationToken.None);
            await acknowledged.Task.WaitAsync(s_acknowledged, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            // It may still come; what the client has subscribed to is asked for again and again until then.
        }
        finally
        {
            _changing.Release();
        }
    }

    public void Dispose() => Interlocked.Exchange(ref _listening, null)?.Cancel();

    private async Task RunAsync(IReadOnlyCollection<string> uris, TaskCompletionSource acknowledged, CancellationToken ended)
    {
        while (!ended.IsCancellationRequested)
        {
            try
            {
                await ListenAsync(uris, acknowledged, ended);
                await Task.Delay(s_again, time, ended);
            }
            catch (UpstreamException exception)
            {
                acknowledged.TrySetException(exception);
                await Task.Delay(exception.RetryAfter ?? s_again, time, ended).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (OperationCanceledException)
            {
                // The client wants other addresses, or has left.
            }
        }
    }

    private async Task ListenAsync(IReadOnlyCollection<string> uris, TaskCompletionSource acknowledged, CancellationToken ended)
    {
        await using var lease = await upstream.LeaseAsync(owner, ended);
        var link = lease.Session.Link;
        var id = link.NextId();
        var parameters = LinkCalls.Parameters(McpEra.Modern, $"\"notifications\":{{\"resourceSubscriptions\":[{string.Join(',', uris)}]}}");
        var request = Encoding.UTF8.GetBytes($$"""{"jsonrpc":"2.0","id":{{id}},"method":"subscriptions/listen","params":{{parameters}}}""");
        await using var exchange = await link.SendRequestAsync(new OutgoingRequest(id, request, McpMethodNames.SubscriptionsListen), ended);
        while (true)
        {
            using var message = await exchange.NextAsync(ended);
            if (message.IsAnswer) return;
            if (message.Shape.Method == McpMethod.SubscriptionAcknowledged) acknowledged.TrySetResult();
            if (message.Shape.Method == McpMethod.ResourceUpdated && !message.Shape.Uri.IsEmpty) Tell(message.Shape.Uri.Of(message.Bytes.Span));
        }
    }

    /// <summary>As revisions with sessions spell it: without the id of a subscription.</summary>
    private void Tell(ReadOnlySpan<byte> uri)
    {
        using var notice = new MessageBuffer(256);
        notice.Write("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\",\"params\":{\"uri\":"u8);
        notice.Write(uri);
        notice.Write("}}"u8);
        _ = peer.SendAsync(notice.Memory);
    }
}
