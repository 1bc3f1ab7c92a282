using System.Runtime.CompilerServices;
using System.Text;
using Agents.Api.Stream;
using Agents.Api.Submit;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Agents.Api.Tests;

/// <summary>What depends on minutes passing, with a clock that tests move.</summary>
public sealed class PatienceTests : IAsyncDisposable
{
    private readonly TemporaryDirectory _storage = new();
    private readonly ServiceProvider _services;
    private readonly ManualTimeProvider _time = new();
    private readonly Lifetime _lifetime = new();

    public PatienceTests() => _services = new ServiceCollection().AddLogging().AddRuns(_ => _storage.FullPath).BuildServiceProvider();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Wait_AnswersHowFarTheRunIs_WhenPatienceEnds()
    {
        var run = await StoreRunAsync();
        var completion = new RunCompletion(_services.GetRequiredService<IRunStore>(), _services.GetRequiredService<IRunEvents>(), _lifetime, _time);

        var waiting = completion.WaitAsync(run.Id, TimeSpan.FromSeconds(200), Cancel);
        _time.Advance(TimeSpan.FromSeconds(199));
        waiting.IsCompleted.ShouldBeFalse();
        _time.Advance(TimeSpan.FromSeconds(1));

        (await waiting.WaitAsync(Eventually.Patience, Cancel))!.State.ShouldBe(RunState.Queued);
        _time.PendingTimers.ShouldBe(0);
    }

    [Fact]
    public async Task Stream_SendsAComment_WhenNothingHappensForTenSeconds()
    {
        var run = await StoreRunAsync();
        using var body = new MemoryStream();
        var context = new DefaultHttpContext { Response = { Body = body } };
        var stream = new EventStream(_services.GetRequiredService<IRunEvents>(), _lifetime, _time);

        var sending = stream.SendAsync(context, run.Id, new NativeFormat(), new StreamPosition(1, 0));
        for (var pings = 1; pings <= 3; pings++)
        {
            await Eventually.HoldsAsync(() => _time.PendingTimers == 1);
            _time.Advance(EventStream.Heartbeat);
            var expected = pings;
            await Eventually.HoldsAsync(() => Encoding.UTF8.GetString(body.ToArray()) == string.Concat(Enumerable.Repeat(": ping\n\n", expected)));
        }

        EventStream.Heartbeat.ShouldBeLessThanOrEqualTo(TimeSpan.FromSeconds(15));
        await _services.GetRequiredService<IRunStore>().RequestCancelAsync(run.Id, Cancel);
        await sending.WaitAsync(Eventually.Patience, Cancel);
        Encoding.UTF8.GetString(body.ToArray()).ShouldContain("event: run.end");
    }

    [Fact]
    public async Task Stream_TellsItsFault_WhenTheStoreFails()
    {
        var context = new DefaultHttpContext { Response = { Body = new MemoryStream() } };
        var stream = new EventStream(new BrokenEvents(), _lifetime, _time);

        await Should.ThrowAsync<InvalidOperationException>(() => stream.SendAsync(context, "run_x"));
    }

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        _storage.Dispose();
        _lifetime.Stopping.Dispose();
    }

    private async Task<AgentRun> StoreRunAsync()
    {
        var run = new AgentRun { Id = AgentRun.NewId(_time), Repository = "self", Query = "q", Agents = [new AgentExecution { Name = "tester" }], CreatedAt = _time.GetUtcNow() };
        await _services.GetRequiredService<IRunStore>().CreateAsync(run, Cancel);
        return run;
    }

    private sealed class Lifetime : IHostApplicationLifetime
    {
        public CancellationTokenSource Stopping { get; } = new();

        public CancellationToken ApplicationStarted => CancellationToken.None;

        public CancellationToken ApplicationStopping => Stopping.Token;

        public CancellationToken ApplicationStopped => CancellationToken.None;

        public void StopApplication() => Stopping.Cancel();
    }

    private sealed class BrokenEvents : IRunEvents
    {
        public Task<long> AppendAsync(RunLease lease, IReadOnlyList<RunEventDraft> events, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<IReadOnlyList<RunEvent>> ReadAsync(string runId, long after, int limit, CancellationToken cancellationToken) => throw new NotSupportedException();

        public async IAsyncEnumerable<RunEvent> TailAsync(string runId, long after, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            await Task.Yield();
            if (runId.Length > 0)
                throw new InvalidOperationException("The file is gone.");
            yield break;
        }
    }
}
