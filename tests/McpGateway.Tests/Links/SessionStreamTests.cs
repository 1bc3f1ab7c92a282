using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Upstreams;
using McpGateway.Upstreams.Links;
using Microsoft.Extensions.Logging.Abstractions;

namespace McpGateway.Tests.Links;

public sealed class SessionStreamTests
{
    private const string Log = """{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}""";
    private const string Question = """{"jsonrpc":"2.0","id":"q","method":"sampling/createMessage","params":{}}""";

    [Fact]
    public async Task Stream_GoesOnAfterTheLastEvent_WhenItEnds()
    {
        using var upstream = new Upstream(
            _ => Events($"id: 7\nretry: 1\ndata: {Log}\n\n"),
            _ => Events($"data: {Log}\n\n"),
            _ => Status(HttpStatusCode.MethodNotAllowed));
        var owner = new Owner();
        await using var link = upstream.Link(owner);

        (await link.ListenAsync(TestContext.Current.CancellationToken)).ShouldBeTrue();

        (await owner.NextAsync()).ShouldContain("notifications/message");
        (await owner.NextAsync()).ShouldContain("notifications/message");
        await Eventually.HoldsAsync(() => upstream.Gets.Count >= 3);
        upstream.Gets.Take(3).ShouldBe(["", "7", "7"]);
    }

    /// <summary>Servers that know no GET and servers that do not know the session answer alike: which it is decides whether another session is asked.</summary>
    [Theory]
    [InlineData(HttpStatusCode.NotFound, HttpStatusCode.NotFound, true)]
    [InlineData(HttpStatusCode.BadRequest, HttpStatusCode.NotFound, true)]
    [InlineData(HttpStatusCode.NotFound, HttpStatusCode.OK, false)]
    public async Task Listen_TellsALostSession_FromAnUpstreamWithoutStreams(HttpStatusCode toGet, HttpStatusCode toPing, bool isLost)
    {
        using var upstream = new Upstream(_ => Status(toGet)) { ToPing = toPing };
        await using var link = upstream.Link(null, session: "1");

        (await link.ListenAsync(TestContext.Current.CancellationToken)).ShouldBeFalse();

        (link.BrokenReason is not null).ShouldBe(isLost, link.BrokenReason);
    }

    [Theory]
    [InlineData("")]
    [InlineData("retry: 0\n\n")]
    [InlineData("id: 1\nretry: 0\ndata:\n\n")]
    public async Task Stream_IsOpenedLaterEachTime_WhenItEndsAtOnce(string events)
    {
        var clock = new ManualTimeProvider();
        var opened = new ConcurrentQueue<DateTimeOffset>();
        using var upstream = new Upstream(_ =>
        {
            opened.Enqueue(clock.GetUtcNow());
            return Events(events);
        });
        await using var link = upstream.Link(null, clock: clock);

        await link.ListenAsync(TestContext.Current.CancellationToken);
        for (var times = 2; times <= 7; times++)
        {
            await Eventually.HoldsAsync(() => clock.PendingTimers == 1);
            while (opened.Count < times && clock.PendingTimers == 1) clock.Advance(TimeSpan.FromMilliseconds(10));
            await Eventually.HoldsAsync(() => opened.Count == times);
        }

        TimeSpan[] pauses = [.. opened.Zip(opened.Skip(1), static (one, next) => next - one)];
        pauses.ShouldBeInOrder(SortDirection.Ascending);
        pauses[^1].ShouldBeGreaterThan(pauses[0] * 10);
    }

    [Fact]
    public async Task Stream_IsOpenedAtOnce_WhenTheUpstreamAnswersAgain()
    {
        var clock = new ManualTimeProvider();
        using var upstream = new Upstream(_ => throw new HttpRequestException(HttpRequestError.ConnectionError), _ => Status(HttpStatusCode.MethodNotAllowed)) { Answer = "data: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n" };
        await using var link = upstream.Link(null, clock: clock);
        var listening = link.ListenAsync(TestContext.Current.CancellationToken);
        await Eventually.HoldsAsync(() => clock.PendingTimers == 1);

        await using var exchange = await link.SendRequestAsync(new OutgoingRequest(1, "{}"u8.ToArray(), "tools/call"), TestContext.Current.CancellationToken);

        (await listening.WaitAsync(Eventually.Patience, TimeProvider.System, TestContext.Current.CancellationToken)).ShouldBeFalse();
        upstream.Gets.Count.ShouldBe(2);
    }

    [Theory]
    [InlineData(HttpStatusCode.MethodNotAllowed)]
    [InlineData(HttpStatusCode.NotFound)]
    public async Task Listen_SaysNo_WhenTheUpstreamHasNoStream(HttpStatusCode status)
    {
        using var upstream = new Upstream(_ => Status(status));
        await using var link = upstream.Link(new Owner());

        (await link.ListenAsync(TestContext.Current.CancellationToken)).ShouldBeFalse();

        upstream.Gets.Count.ShouldBe(1);
        link.BrokenReason.ShouldBeNull();
    }

    [Fact]
    public async Task Stream_RefusesARequestAndNamesTheStray_WhenNobodyOwnsTheSession()
    {
        using var upstream = new Upstream(_ => Events($"data: {Question}\n\n"), _ => Status(HttpStatusCode.MethodNotAllowed));
        await using var link = upstream.Link(null);
        var stray = new TaskCompletionSource<string>();
        link.Stray += stray.SetResult;

        await link.ListenAsync(TestContext.Current.CancellationToken);

        (await stray.Task.WaitAsync(Eventually.Patience, TimeProvider.System, TestContext.Current.CancellationToken)).ShouldBe("sampling/createMessage");
        await Eventually.HoldsAsync(() => upstream.Posts.Any(body => body.Contains("-32601", StringComparison.Ordinal) && body.Contains("\"q\"", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("notifications/tools/list_changed", McpMethod.ToolsListChanged)]
    [InlineData("notifications/prompts/list_changed", McpMethod.PromptsListChanged)]
    [InlineData("notifications/resources/list_changed", McpMethod.ResourcesListChanged)]
    public async Task Stream_TellsAChangedList_ToWhoeverKeepsIt(string method, object list)
    {
        using var upstream = new Upstream(_ => Events($$"""data: {"jsonrpc":"2.0","method":"{{method}}"}""" + "\n\n"), _ => Status(HttpStatusCode.MethodNotAllowed));
        await using var link = upstream.Link(null);
        var changed = new TaskCompletionSource<McpMethod>();
        link.ListChanged += changed.SetResult;
        link.Stray += method => changed.TrySetException(new InvalidOperationException(method));

        await link.ListenAsync(TestContext.Current.CancellationToken);

        (await changed.Task.WaitAsync(Eventually.Patience, TimeProvider.System, TestContext.Current.CancellationToken)).ShouldBe((McpMethod)list);
    }

    [Fact]
    public async Task Call_GetsWhatBelongsToIt_AndThePingIsAnsweredForIt()
    {
        using var upstream = new Upstream { Answer = $"data: {{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}}\n\ndata: {Log}\n\ndata: {Question}\n\ndata: {{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{{}}}}\n\n" };
        await using var link = upstream.Link(null);
        await using var exchange = await link.SendRequestAsync(new OutgoingRequest(1, "{}"u8.ToArray(), "tools/call"), TestContext.Current.CancellationToken);

        using (var log = await exchange.NextAsync(TestContext.Current.CancellationToken)) log.Shape.Method.ShouldBe(McpMethod.LogMessage);
        using (var question = await exchange.NextAsync(TestContext.Current.CancellationToken)) question.Shape.Method.ShouldBe(McpMethod.CreateMessage);
        using (var answer = await exchange.NextAsync(TestContext.Current.CancellationToken)) answer.IsAnswer.ShouldBeTrue();

        await Eventually.HoldsAsync(() => upstream.Posts.Any(body => body.EndsWith("\"result\":{}}", StringComparison.Ordinal)));
    }

    private static HttpResponseMessage Events(string body) => new(HttpStatusCode.OK) { Content = new StringContent(body, Encoding.UTF8, "text/event-stream") };

    private static HttpResponseMessage Status(HttpStatusCode status) => new(status) { Content = new StringContent("") };

    /// <summary>Whoever a session belongs to.</summary>
    private sealed class Owner : IUpstreamListener
    {
        private readonly Channel<string> _messages = Channel.CreateUnbounded<string>();

        public async Task<string> NextAsync() => await _messages.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Eventually.Patience, TimeProvider.System);

        public void Receive(UpstreamLink link, UpstreamMessage message)
        {
            using (message) _messages.Writer.TryWrite(Encoding.UTF8.GetString(message.Bytes.Span));
        }
    }

    /// <summary>Answers each GET in turn, the last again and again, and remembers what it was sent.</summary>
    private sealed class Upstream(params Func<HttpRequestMessage, HttpResponseMessage>[] gets) : HttpMessageHandler
    {
        private int _next;

        public ConcurrentQueue<string> Gets { get; } = new();

        public ConcurrentQueue<string> Posts { get; } = new();

        /// <summary>The events that answer a request.</summary>
        public string Answer { get; init; } = "";

        /// <summary>How a ping is answered.</summary>
        public HttpStatusCode ToPing { get; init; } = HttpStatusCode.OK;

        public HttpLink Link(IUpstreamListener? owner, string? session = null, TimeProvider? clock = null)
        {
            var config = new UpstreamConfig { Name = "up", Transport = UpstreamTransport.Http, Url = new Uri("http://127.0.0.1/mcp") };
            return new HttpLink(new HttpMessageInvoker(this, disposeHandler: false), config, 10_000, clock ?? TimeProvider.System, NullLogger.Instance) { SessionId = session, Listener = owner, Version = McpVersion.LatestLegacy };
        }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (request.Method == HttpMethod.Get)
            {
                Gets.Enqueue(request.Headers.NonValidated.TryGetValues("Last-Event-ID", out var id) ? id.ToString() : "");
                return gets[Math.Min(Interlocked.Increment(ref _next), gets.Length) - 1](request);
            }

            if (request.Method == HttpMethod.Delete) return Status(HttpStatusCode.OK);
            var body = await request.Content!.ReadAsStringAsync(cancellationToken);
            Posts.Enqueue(body);
            if (body.Contains("\"ping\"", StringComparison.Ordinal)) return ToPing == HttpStatusCode.OK ? Events($"data: {{\"jsonrpc\":\"2.0\",\"id\":{JsonDocument.Parse(body).RootElement.GetProperty("id").GetInt64()},\"result\":{{}}}}\n\n") : Status(ToPing);
            return body == "{}" ? Events(Answer) : Status(HttpStatusCode.Accepted);
        }
    }
}
