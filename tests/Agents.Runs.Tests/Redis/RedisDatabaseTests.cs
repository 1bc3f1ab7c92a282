using Agents.Runs.Tests.Contract;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace Agents.Runs.Tests.Redis;

public sealed class RedisDatabaseTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Run_LosesNothingAcknowledged_WhenTheServerIsKilledAndStartedAgain()
    {
        using var directory = new TemporaryDirectory();
        await using var server = await RedisProcess.StartDurableAsync(directory);
        await using var backend = new RedisBackend(server);
        var worker = await backend.OpenAsync();
        var api = await backend.OpenAsync();
        var lease = await worker.SubmitAndClaimAsync();
        var number = await worker.Store.BeginToolCallAsync(lease, Sample.Call(), Cancel);
        var tail = Task.Run(() => ReadToEndAsync(api.Events, lease.RunId), Cancel);
        var acknowledged = 0;
        using var stop = new CancellationTokenSource();
        var writing = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await worker.Events.AppendAsync(lease, [Sample.Delta($"{acknowledged}")], Cancel);
                Interlocked.Increment(ref acknowledged);
            }
        }, Cancel);
        await Eventually.HoldsAsync(() => Volatile.Read(ref acknowledged) > 20);

        await server.StopAsync();
        var before = Volatile.Read(ref acknowledged);
        await server.RunAsync();

        // The writer was patient and goes on by itself.
        await Eventually.HoldsAsync(() => Volatile.Read(ref acknowledged) > before + 20);
        await stop.CancelAsync();
        await writing;
        await worker.Queue.RenewAsync(lease, Cancel);
        await worker.Store.SaveAsync(lease, new RunChange { ToolCalls = [new ToolCallEnd(number, "found", false, TimeSpan.Zero)] }, Cancel);
        await worker.Store.EndAsync(lease, RunState.Completed, null, Cancel);
        var told = await tail.WaitAsync(Eventually.Patience, Cancel);
        told.Select(e => e.Sequence).ShouldBe(Enumerable.Range(1, told.Count).Select(n => (long)n));
        told.Where(e => e.Type == RunEventTypes.TextDelta).Select(e => e.Data.GetProperty("text").GetString())
            .ShouldBe(Enumerable.Range(0, acknowledged).Select(n => $"{n}"), "each once, whether or not its answer was heard");
        (await api.GetAsync(lease.RunId)).State.ShouldBe(RunState.Completed);
    }

    [Fact]
    public async Task Claim_GoesOnWaiting_WhenTheServerWasAwayForAMoment()
    {
        using var directory = new TemporaryDirectory();
        await using var server = await RedisProcess.StartDurableAsync(directory);
        await using var backend = new RedisBackend(server);
        var worker = await backend.OpenAsync();
        var api = await backend.OpenAsync();
        var claim = worker.Queue.ClaimAsync("w1", Cancel);
        var first = await api.SubmitAsync();
        (await claim).RunId.ShouldBe(first.Id);
        claim = worker.Queue.ClaimAsync("w1", Cancel);

        await server.StopAsync();
        await server.RunAsync();
        var second = await api.SubmitAsync();

        (await claim.WaitAsync(Eventually.Patience, Cancel)).RunId.ShouldBe(second.Id);
        (await api.GetAsync(first.Id)).State.ShouldBe(RunState.Running);
    }

    [Fact]
    public async Task Store_SaysUnavailable_WhenTheServerIsGone()
    {
        await using var server = await RedisProcess.StartAsync();
        await server.StopAsync();
        await using var database = Open(server.ConnectionString);

        var error = await Should.ThrowAsync<RunStoreUnavailableException>(() => new RedisRunStore(database, TimeProvider.System).GetAsync("run_1", Cancel));

        error.Message.ShouldStartWith("Redis does not answer: ");
    }

    [Fact]
    public async Task Write_IsDoneOnce_WhenItIsSentAgain()
    {
        await using var backend = new RedisBackend();
        var database = await backend.OpenDatabaseAsync();
        var runs = backend.Instance(database);
        var lease = await runs.SubmitAndClaimAsync();
        var writers = new RedisWriters();
        var writer = writers.Take();
        var write = new RedisWrite { Lease = lease }.Add([Sample.Delta("once")], backend.Time.GetUtcNow());

        async Task<long> SendAsync() => (long)await database.EvaluateAsync(
            RedisScripts.Write, database.Keys.Of(lease.RunId), write.Values(writer, database.Keys.Channel, lease.RunId, TimeSpan.Zero), Cancel);

        (await SendAsync()).ShouldBe(3);
        (await SendAsync()).ShouldBe(3, "the answer is remembered");
        writers.Return(writer);
        writers.Take().ShouldBeSameAs(writer);
        (await SendAsync()).ShouldBe(4, "the writer's next write is another one");
        writer.Turn--;
        (await SendAsync()).ShouldBe(4, "one that arrives late is not done again");
        (await runs.AllEventsAsync(lease.RunId)).Count.ShouldBe(4);
    }

    [Fact]
    public async Task Keys_BeginWithTheTenant_ShareASlotPerRun_AndAllOfAnEndedRunExpire()
    {
        await using var backend = new RedisBackend();
        var database = await backend.OpenDatabaseAsync();
        var runs = backend.Instance(database);
        var lease = await runs.SubmitAndClaimAsync();
        var number = await runs.Store.BeginToolCallAsync(lease, Sample.Call(), Cancel);
        await runs.Store.SaveAsync(lease, new RunChange
        {
            ToolCalls = [new ToolCallEnd(number, "r", false, TimeSpan.Zero)],
            Checkpoint = new AgentCheckpoint("simplifier", Sample.Json("1")),
            Agent = new AgentExecution { Name = "tester", State = AgentState.Completed, Result = Sample.Result("tester") },
        }, Cancel);
        await runs.Store.CreateOnceAsync(Sample.Run(), new SubmissionKey(null, "k", "f"), Cancel);

        (await KeysOfRunAsync()).Length.ShouldBe(5);
        foreach (var key in await KeysOfRunAsync()) (await TtlAsync(key)).ShouldBe(-1, $"{key} belongs to a run that goes on");
        await runs.Store.EndAsync(lease, RunState.CompletedPartial, null, Cancel);

        foreach (var key in await KeysOfRunAsync())
        {
            (await TtlAsync(key)).ShouldBeInRange((long)TimeSpan.FromDays(29).TotalMilliseconds, (long)TimeSpan.FromDays(30).TotalMilliseconds, key);
            key.ShouldContain($":run:{{{lease.RunId}}}");
        }

        (await TtlAsync((string)database.Keys.Submission(new SubmissionKey(null, "k", "f").Digest)!)).ShouldBePositive();
        (await runs.Store.DeleteAsync(lease.RunId, Cancel)).ShouldBe(RunDeletion.Deleted);
        (await KeysOfRunAsync()).ShouldBeEmpty();

        async Task<string[]> KeysOfRunAsync() => (string[])(await database.EvaluateAsync(
            "return redis.call('KEYS', ARGV[1])", [], [$"agents:{backend.Options.Tenant}:*{lease.RunId}*"], Cancel))!;

        async Task<long> TtlAsync(string key) => (long)await database.EvaluateAsync("return redis.call('PTTL', KEYS[1])", [key], [], Cancel);
    }

    [Fact]
    public async Task Hint_GoesToAnotherWorker_WhenTheFirstIsLostWithItInHand()
    {
        await using var backend = new RedisBackend();
        var lost = await backend.OpenDatabaseAsync();
        var runs = await backend.OpenAsync();
        var run = await runs.SubmitAsync();
        (await new RedisIndex(lost, backend.Time).TakeAsync("lost", Cancel)).ShouldNotBeNull().RunId.ShouldBe(run.Id);
        (await runs.Queue.TryClaimAsync("next", Cancel)).ShouldBeNull();

        (await runs.Queue.ClaimAsync("next", Cancel).WaitAsync(Eventually.Patience, Cancel)).RunId.ShouldBe(run.Id);
    }

    [Fact]
    public async Task Workers_AreForgotten_UnlessTheyHoldAHint()
    {
        await using var backend = new RedisBackend();
        var database = await backend.OpenDatabaseAsync();
        var runs = backend.Instance(database);
        var index = new RedisIndex(database, backend.Time);
        await runs.SubmitAsync();
        await runs.SubmitAsync();
        await runs.Queue.TryClaimAsync("gone", Cancel);
        (await index.TakeAsync("holding", Cancel)).ShouldNotBeNull();

        await Eventually.SeesAsync(async () =>
        {
            await database.EvaluateAsync(RedisScripts.ForgetWorkers, [database.Keys.Queue, database.Keys.Again], [0], Cancel);
            return await WorkersAsync();
        }, workers => workers is ["holding"]);

        async Task<string[]> WorkersAsync() => (string[])(await database.EvaluateAsync(
            """
            local names = {}
            for _, found in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], 'workers')) do names[#names + 1] = found[2] end
            return names
            """, [database.Keys.Queue], [], Cancel))!;
    }

    [Fact]
    public async Task Tenants_SeeNothingOfEachOther_OnOneServer()
    {
        await using var one = new RedisBackend();
        await using var other = new RedisBackend();
        var mine = await one.OpenAsync();
        var theirs = await other.OpenAsync();
        var run = await mine.SubmitAsync();

        (await theirs.Queue.TryClaimAsync("w", Cancel)).ShouldBeNull();
        (await theirs.Store.GetAsync(run.Id, Cancel)).ShouldBeNull();
        (await theirs.Store.ListAsync(new RunFilter(), Cancel)).Runs.ShouldBeEmpty();
    }

    [Fact]
    public async Task Server_IsLeftAlone_WhenANewerVersionWroteIt()
    {
        await using var backend = new RedisBackend();
        var database = await backend.OpenDatabaseAsync();
        await database.RunAsync(redis => redis.StringSetAsync(database.Keys.Schema, 7), Cancel);
        var runs = await backend.OpenAsync();

        var refused = await Should.ThrowAsync<InvalidOperationException>(() => runs.Store.CreateAsync(Sample.Run(), Cancel));

        refused.Message.ShouldContain("schema 7");
        refused.Message.ShouldContain("Runs:Tenant");
        (await database.RunAsync(redis => redis.SortedSetLengthAsync(database.Keys.All), Cancel)).ShouldBe(0);
    }

    [Theory]
    [InlineData("host:6379,password=hunter2,nonsense=1")]
    [InlineData("host:6379,connectTimeout=hunter2")]
    public void ConnectionString_ThatCannotBeRead_IsRefusedWithoutBeingShown(string text)
    {
        var refused = Should.Throw<InvalidOperationException>(() => new RedisDatabase(
            text, Options.Create(new RunStorageOptions()), TimeProvider.System, NullLogger<RedisDatabase>.Instance));

        refused.Message.ShouldContain("ConnectionStrings:cache cannot be read");
        refused.ToString().ShouldNotContain("hunter2");
    }

    [Fact]
    public async Task Password_IsTakenFromTheConnectionString_AndAWrongOneSaysSo()
    {
        await using var server = await RedisProcess.StartAsync("--save", "", "--requirepass", "hunter2");
        await using var right = Open($"{server.ConnectionString},password=hunter2");
        await using var wrong = Open($"{server.ConnectionString},password=hunter3");

        await right.RunAsync(redis => redis.PingAsync(), Cancel);

        var refused = await Should.ThrowAsync<RunStoreUnavailableException>(() => wrong.RunAsync(redis => redis.PingAsync(), Cancel));
        refused.Message.ShouldNotContain("hunter");
    }

    [Fact]
    public async Task Services_AreInRedis_WhenThereIsAConnectionString()
    {
        await using var server = await RedisProcess.StartAsync();
        await using var services = new ServiceCollection().AddLogging()
            .AddRuns(_ => throw new InvalidOperationException("no file is asked for"), server.ConnectionString).BuildServiceProvider();
        var run = Sample.Run();
        await services.GetRequiredService<IRunStore>().CreateAsync(run, Cancel);

        (await services.GetRequiredService<IRunQueue>().TryClaimAsync("w1", Cancel)).ShouldNotBeNull().RunId.ShouldBe(run.Id);
        services.GetServices<Microsoft.Extensions.Hosting.IHostedService>().OfType<RunReaper>().ShouldHaveSingleItem();
        services.GetRequiredService<IAgentDefinitions>().ShouldBeOfType<RedisAgentDefinitions>();
    }

    private static RedisDatabase Open(string connectionString) =>
        new(connectionString, Options.Create(new RunStorageOptions()), TimeProvider.System, NullLogger<RedisDatabase>.Instance) { Patience = TimeSpan.FromSeconds(1) };

    private static async Task<List<RunEvent>> ReadToEndAsync(IRunEvents events, string runId)
    {
        var seen = new List<RunEvent>();
        await foreach (var runEvent in events.TailAsync(runId, 0, Cancel)) seen.Add(runEvent);
        return seen;
    }
}
