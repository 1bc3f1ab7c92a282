using System.Collections.Immutable;
using System.Diagnostics;
using System.Text;
using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Upstreams;
using McpGateway.Upstreams.Links;
using Microsoft.Extensions.Logging;
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

    [Fact]
    public async Task StdioLink_BreaksAsNotMcp_AndLogsLittle_WhenTheProcessSaysNothingButNoise()
    {
        using var logs = new RecordedLogs();
        using var logger = LoggerFactory.Create(logging => logging.AddProvider(logs));
        var config = new UpstreamConfig { Name = "up", Transport = UpstreamTransport.Stdio, Command = "yes", Args = ["garbage s3cret-value"], Env = ImmutableSortedDictionary<string, string>.Empty.Add("KEY", "s3cret-value") };
        await using var link = await StdioLink.StartAsync(config, 1000, TimeProvider.System, logger.CreateLogger("test"));

        await Eventually.HoldsAsync(() => link.BrokenReason is not null);

        var failure = await Should.ThrowAsync<UpstreamException>(() => link.SendRequestAsync(new OutgoingRequest(1, "{}"u8.ToArray(), "ping"), TestContext.Current.CancellationToken));
        failure.Kind.ShouldBe(FailureKind.NotMcp);
        failure.Message.ShouldStartWith("The process does not speak MCP: 1000 lines in a row on its standard output are no message, the last of them 'garbage ***'.");
        logs.Entries.Count(entry => entry.Message.Contains("is no message", StringComparison.Ordinal)).ShouldBe(Noise.Logged);
        logs.Entries.Count(entry => entry.Message.Contains("said 997 more lines in a row", StringComparison.Ordinal)).ShouldBe(1);
    }

    [Fact]
    public async Task StdioLink_GoesOn_WhenAMessageComesBetweenNoise()
    {
        var script = $$$"""n() { i=0; while [ $i -lt {{{Noise.Most - 1}}} ]; do echo noise; i=$((i+1)); done; }; n; echo '{"jsonrpc":"2.0","method":"notifications/x"}'; n; echo '{"jsonrpc":"2.0","id":1,"result":{}}'; cat""";
        var config = new UpstreamConfig { Name = "up", Transport = UpstreamTransport.Stdio, Command = "sh", Args = ["-c", $"read -r line; {script}"] };
        await using var link = await StdioLink.StartAsync(config, 1000, TimeProvider.System, NullLogger.Instance);

        await using var exchange = await link.SendRequestAsync(new OutgoingRequest(1, "{}"u8.ToArray(), "ping"), TestContext.Current.CancellationToken);
        using var answer = await exchange.NextAsync(TestContext.Current.CancellationToken);

        answer.IsAnswer.ShouldBeTrue();
        link.BrokenReason.ShouldBeNull();
    }

    [Fact]
    public async Task SseLink_FailsTheCall_WhenTheAnswerIsLargerThanTheLimit()
    {
        using var handler = new SaysMuch();
        using var http = new HttpMessageInvoker(handler);
        var config = new UpstreamConfig { Name = "up", Transport = UpstreamTransport.Sse, Url = new Uri("http://127.0.0.1/sse") };
        await using var link = await SseLink.OpenAsync(http, config, 100_000, TimeProvider.System, NullLogger.Instance, TestContext.Current.CancellationToken);
        await using var exchange = await link.SendRequestAsync(new OutgoingRequest(1, "{}"u8.ToArray(), "ping"), TestContext.Current.CancellationToken);

        var failure = await Should.ThrowAsync<UpstreamException>(async () => await exchange.NextAsync(TestContext.Current.CancellationToken));

        failure.Kind.ShouldBe(FailureKind.OutcomeUnknown);
        failure.Message.ShouldBe("What the upstream said is too large. The message is larger than 100000 bytes. Raise Gateway:MessageLimit to take it.");
    }

    /// <summary>A stream that names its address and, once posted to, begins an event without an end.</summary>
    private sealed class SaysMuch : HttpMessageHandler
    {
        private readonly System.IO.Pipelines.Pipe _stream = new();

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (request.Method == HttpMethod.Get)
            {
                await _stream.Writer.WriteAsync("event: endpoint\ndata: /post\n\n"u8.ToArray(), cancellationToken);
                var body = new StreamContent(_stream.Reader.AsStream());
                body.Headers.ContentType = new("text/event-stream");
                return new HttpResponseMessage { Content = body };
            }

            _ = SpeakAsync();
            return new HttpResponseMessage(System.Net.HttpStatusCode.Accepted);
        }

        private async Task SpeakAsync()
        {
            var part = Encoding.ASCII.GetBytes("data: " + new string('x', 10_000) + "\n");
            while (!(await _stream.Writer.WriteAsync(part, CancellationToken.None)).IsCompleted) { }
        }
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
