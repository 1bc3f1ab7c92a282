using System.Diagnostics;
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

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task HttpLink_NamesTheTrace_OnlyWhenItIsRecorded(bool recorded)
    {
        using var handler = new RemembersHeaders();
        using var http = new HttpMessageInvoker(handler);
        await using var link = new HttpLink(http, new UpstreamConfig { Name = "up", Transport = UpstreamTransport.Http, Url = new Uri("http://127.0.0.1/mcp") }, 1000, TimeProvider.System, NullLogger.Instance);
        using var span = new Activity("call") { ActivityTraceFlags = recorded ? ActivityTraceFlags.Recorded : ActivityTraceFlags.None, TraceStateString = "vendor=1" };
        span.SetIdFormat(ActivityIdFormat.W3C).Start();

        await link.SendNotificationAsync("{}"u8.ToArray(), McpMethod.Initialized, TestContext.Current.CancellationToken);

        var headers = handler.Headers.ShouldNotBeNull();
        headers.GetValueOrDefault("traceparent").ShouldBe(recorded ? span.Id : null);
        headers.GetValueOrDefault("tracestate").ShouldBe(recorded ? "vendor=1" : null);
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

    private sealed class RemembersHeaders : HttpMessageHandler
    {
        public Dictionary<string, string>? Headers { get; private set; }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Headers = request.Headers.NonValidated.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase);
            return Task.FromResult(new HttpResponseMessage(System.Net.HttpStatusCode.Accepted));
        }
    }

    private sealed class NeverConnects : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromException<HttpResponseMessage>(new TaskCanceledException("cancelled", new TimeoutException("too slow")));
    }
}
