using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Agents.Api.Stream;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging.Abstractions;

namespace Agents.Api.Tests;

/// <summary>What one stream does with its client, its clock and its run's events, without a network between.</summary>
public sealed class EventStreamTests : IDisposable
{
    private readonly ApplicationLifetime _lifetime = new(NullLogger<ApplicationLifetime>.Instance);
    private readonly Told _told = new();
    private readonly Client _client = new();

    [Fact]
    public async Task Reader_HoldsFewEvents_WhenItDoesNotRead()
    {
        // Endless: who does not wait for the client reads on for ever.
        _told.Endless = true;
        _client.Stops();
        var sending = SendAsync();
        await _client.Stopped;

        // A kilobyte each: 16 are gathered, one is read ahead.
        _told.Read.ShouldBeLessThan(30);
        await _lifetime.StopAndWaitAsync(sending);
    }

    [Fact]
    public async Task Stream_EndsWithoutAnError_WhenTheServiceStops()
    {
        var sending = SendAsync();
        _told.Say(1);
        await _client.HasAsync("id: 1\n");

        await _lifetime.StopAndWaitAsync(sending);

        _client.Text.ShouldEndWith("\n\n", Case.Sensitive, "what was begun is whole");
        _client.WasAborted.ShouldBeFalse();
    }

    [Fact]
    public async Task Stream_IsCutOff_WhenTheServiceStopsAndTheClientDoesNotRead()
    {
        _told.Endless = true;
        _client.Stops();
        var sending = SendAsync();
        await _client.Stopped;

        await _lifetime.StopAndWaitAsync(sending);

        _client.WasAborted.ShouldBeTrue("the stop does not wait for it");
    }

    [Theory]
    [InlineData("native")]
    [InlineData("ui-message-stream")]
    [InlineData("ag-ui")]
    public async Task Stream_GoesOnAtTheFrame_WhenItBrokeInsideAnEvent(string format)
    {
        var whole = await TellAsync(format, StreamPosition.Begin);
        var frames = whole.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(frame => frame + "\n\n").ToList();

        for (var heard = 0; heard <= frames.Count; heard++)
        {
            var request = new DefaultHttpContext().Request;
            if (heard > 0) request.Headers["Last-Event-ID"] = frames[heard - 1].Split('\n')[0]["id: ".Length..];
            StreamPosition.Of(request, null, out var position).ShouldBeNull();

            (await TellAsync(format, position)).ShouldBe(string.Concat(frames[heard..]));
        }
    }

    [Theory]
    [InlineData("x")]
    [InlineData("-1")]
    [InlineData("1.")]
    [InlineData("1.0")]
    [InlineData("0.1")]
    [InlineData("1.2.3")]
    public void Position_NamesTheField_WhenItIsNoId(string id) =>
        StreamPosition.Of(new DefaultHttpContext().Request, id, out _).ShouldNotBeNull().Field.ShouldBe("after");

    public void Dispose() => _client.Dispose();

    private Task SendAsync() => new EventStream(_told, _lifetime, TimeProvider.System).SendAsync(_client.Context, "run_1");

    /// <summary>All that is told of a small run.</summary>
    private async Task<string> TellAsync(string format, StreamPosition after)
    {
        var told = new Told();
        told.Say("run.state", null, """{"run_id":"run_1","state":"running","attempt":1,"reason":null}""");
        told.Say("agent.state", "tester", """{"state":"running","degraded":false}""");
        told.Say("text.delta", "tester", """{"text":"Let me look.\n"}""");
        told.Say("usage", "tester", """{"input_tokens":null,"output_tokens":1,"tool_calls":0,"cost_usd":null}""");
        told.Say("approval", "tester", """{"id":"tester-1-1","state":"pending","tool":"write","arguments":{"a":null}}""");
        told.Say("approval", "tester", """{"id":"tester-1-2","state":"pending","tool":"erase","arguments":{}}""");
        told.Say("approval", "tester", """{"id":"tester-1-1","state":"approved","tool":"write","arguments":{"a":null},"reason":"go on"}""");
        told.Say("approval", "tester", """{"id":"tester-1-2","state":"denied","tool":"erase","arguments":{},"reason":"never"}""");
        told.Say("tool.call", "tester", """{"number":1,"tool":"write","arguments":{"a":null}}""");
        told.Say("tool.result", "tester", """{"number":1,"tool":"write","is_error":false,"duration_ms":1.5,"result_chars":4,"preview":"done"}""");
        told.Say("text.delta", "tester", """{"text":"Half a"}""");
        told.Say("turn.reset", "tester", """{"reason":"the stream broke"}""");
        told.Say("tool.call", "tester", """{"number":2,"tool":"read","arguments":{}}""");
        told.Say("text.delta", "tester", """{"text":"Well"}""");
        told.Say("run.end", null, """{"state":"failed","error":"the model went away","usage":{"input_tokens":null,"output_tokens":1,"tool_calls":1,"cost_usd":null}}""");
        told.End();
        using var client = new Client();
        var run = new AgentRun { Id = "run_1", Repository = "self", Query = "?", Agents = [new AgentExecution { Name = "tester" }] };
        await new EventStream(told, _lifetime, TimeProvider.System).SendAsync(client.Context, "run_1", StreamFormats.Of(format, run), after);
        return client.Text;
    }

    /// <summary>The events of one run, as the test tells them.</summary>
    private sealed class Told : IRunEvents
    {
        private readonly Channel<RunEvent> _events = Channel.CreateUnbounded<RunEvent>();
        private int _read;
        private long _last;

        /// <summary>Whether there is always one more event, of about a kilobyte.</summary>
        public bool Endless { get; set; }

        public int Read => Volatile.Read(ref _read);

        public void Say(long words) => Say("text.delta", "tester", $$"""{"text":"{{words}}"}""");

        public void Say(string type, string? agent, string data) =>
            _events.Writer.TryWrite(new RunEvent(++_last, type, DateTimeOffset.UnixEpoch, agent, JsonSerializer.Deserialize<JsonElement>(data)));

        public void End() => _events.Writer.Complete();

        public async IAsyncEnumerable<RunEvent> TailAsync(string runId, long after, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            var kilobyte = JsonSerializer.SerializeToElement(new { text = new string('x', 1024) });
            while (Endless)
            {
                cancellationToken.ThrowIfCancellationRequested();
                yield return new RunEvent(Interlocked.Increment(ref _read), "text.delta", DateTimeOffset.UnixEpoch, "tester", kilobyte);
            }

            await foreach (var runEvent in _events.Reader.ReadAllAsync(cancellationToken))
            {
                if (runEvent.Sequence > after) yield return runEvent;
            }
        }

        public Task<long> AppendAsync(RunLease lease, IReadOnlyList<RunEventDraft> events, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<IReadOnlyList<RunEvent>> ReadAsync(string runId, long after, int limit, CancellationToken cancellationToken) => throw new NotSupportedException();
    }

    /// <summary>A client that keeps what it gets, or that stops reading.</summary>
    private sealed class Client : System.IO.Stream, IHttpRequestLifetimeFeature
    {
        private readonly MemoryStream _heard = new();
        private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private bool _stops;

        public Client()
        {
            Context = new DefaultHttpContext();
            Context.Features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(this));
            Context.Features.Set<IHttpRequestLifetimeFeature>(this);
        }

        public DefaultHttpContext Context { get; }

        /// <summary>Completes when something waits for the client to read.</summary>
        public Task Stopped => _stopped.Task.WaitAsync(Eventually.Patience, TimeProvider.System, TestContext.Current.CancellationToken);

        public bool WasAborted { get; private set; }

        public CancellationToken RequestAborted { get; set; }

        public string Text
        {
            get
            {
                lock (_heard) return Encoding.UTF8.GetString(_heard.ToArray());
            }
        }

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public void Stops() => _stops = true;

        public Task HasAsync(string text) => Eventually.HoldsAsync(() => Text.Contains(text, StringComparison.Ordinal));

        public void Abort() => WasAborted = true;

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_stops)
            {
                _stopped.TrySetResult();
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
            }

            lock (_heard) _heard.Write(buffer.Span);
        }

        public override void Flush()
        {
        }

        public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}

file static class Stopping
{
    /// <summary>Stops the service and waits for the stream to end.</summary>
    public static Task StopAndWaitAsync(this ApplicationLifetime lifetime, Task sending)
    {
        lifetime.StopApplication();
        return sending.WaitAsync(Eventually.Patience, TimeProvider.System, TestContext.Current.CancellationToken);
    }
}
