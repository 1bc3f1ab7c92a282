using System.Text;
using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Upstreams;
using McpGateway.Upstreams.Links;
using Microsoft.Extensions.Logging.Abstractions;

namespace McpGateway.Tests.Links;

public sealed class LinkTests
{
    [Fact]
    public async Task HttpLink_SaysUnreachable_WhenNoConnectionIsAccepted()
    {
        using var http = new HttpClient(new NeverConnects());
        await using var link = new HttpLink(http, new UpstreamConfig { Name = "up", Transport = UpstreamTransport.Http, Url = new Uri("http://192.0.2.1/mcp?key=secret") }, 1000, TimeProvider.System, NullLogger.Instance);

        var failure = await Should.ThrowAsync<UpstreamException>(() => link.SendRequestAsync(new OutgoingRequest(1, "{}"u8.ToArray(), "ping"), TestContext.Current.CancellationToken));

        failure.Kind.ShouldBe(FailureKind.Unreachable);
        failure.Message.ShouldBe("The upstream at http://192.0.2.1/mcp does not accept a connection: too slow");
    }

    /// <summary>A process that stopped reading must not hold a caller, or those behind it, beyond their own deadlines.</summary>
    [Fact]
    public async Task StdioLink_LetsItsCallersGo_WhenTheProcessDoesNotRead()
    {
        var config = new UpstreamConfig { Name = "up", Transport = UpstreamTransport.Stdio, Command = "sleep", Args = ["600"] };
        await using var link = await StdioLink.StartAsync(config, 1000, TimeProvider.System, NullLogger.Instance);
        using var cancellation = new CancellationTokenSource();
        var large = Encoding.UTF8.GetBytes(new string('x', 1024 * 1024));
        var first = link.SendNotificationAsync(large, McpMethod.Other, cancellation.Token);
        var second = link.SendNotificationAsync(large, McpMethod.Other, cancellation.Token);

        await cancellation.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(() => first.WaitAsync(Eventually.Patience, TimeProvider.System, TestContext.Current.CancellationToken));
        await Should.ThrowAsync<OperationCanceledException>(() => second.WaitAsync(Eventually.Patience, TimeProvider.System, TestContext.Current.CancellationToken));
        link.BrokenReason.ShouldBe("The process does not read its input any more.");
    }

    private sealed class NeverConnects : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromException<HttpResponseMessage>(new TaskCanceledException("cancelled", new TimeoutException("too slow")));
    }
}
