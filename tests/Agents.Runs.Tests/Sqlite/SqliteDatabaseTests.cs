using Agents.Runs.Tests.Contract;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;

namespace Agents.Runs.Tests.Sqlite;

public sealed class SqliteDatabaseTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task File_IsMadeOnce_WhenManyProcessesStartAtOnce()
    {
        await using var backend = new SqliteBackend();

        var instances = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Task.Run(backend.OpenAsync, Cancel)));

        var run = await instances[0].SubmitAsync();
        foreach (var instance in instances)
            (await instance.GetAsync(run.Id)).Id.ShouldBe(run.Id);
    }

    [Fact]
    public async Task File_IsLeftAlone_WhenANewerVersionWroteIt()
    {
        await using var backend = new SqliteBackend();
        await backend.OpenAsync();
        Execute(backend, "PRAGMA user_version = 7");

        var refused = Should.Throw<InvalidOperationException>(() => new SqliteDatabase(backend.Folder, backend.Time));

        refused.Message.ShouldContain("schema 7");
        refused.Message.ShouldContain("Storage:Directory");
    }

    [Fact]
    public async Task File_IsBroughtUpToDate_WhenAnOlderVersionWroteIt()
    {
        await using var backend = new SqliteBackend();
        var first = await backend.OpenAsync();
        var run = await first.SubmitAsync();
        // What later versions added is taken away again.
        Execute(backend, """
            DROP INDEX runs_by_conversation; DROP INDEX runs_by_end; DROP TABLE submissions; DROP TABLE definition_versions; DROP TABLE definitions;
            ALTER TABLE runs DROP COLUMN owner; ALTER TABLE runs DROP COLUMN repository; ALTER TABLE runs DROP COLUMN conversation_id;
            ALTER TABLE runs DROP COLUMN approvals; DROP TABLE webhooks;
            DROP TRIGGER runs_deleted; ALTER TABLE revision DROP COLUMN deletions;
            PRAGMA user_version = 1;
            """);

        var runs = await backend.OpenAsync();

        (await runs.Store.ListAsync(new RunFilter { Repository = "self", ConversationId = "c1" }, Cancel)).Runs.ShouldHaveSingleItem().Id.ShouldBe(run.Id);
        (await runs.Definitions.CreateAsync(null, "reviewer", "x", Cancel)).ShouldNotBeNull();
        (await runs.Store.CreateOnceAsync(Sample.Run(), new SubmissionKey(null, "k", "f"), Cancel)).Outcome.ShouldBe(SubmissionOutcome.Created);
    }

    [Fact]
    public async Task Submission_IsForgotten_WhenItsKeyExpired()
    {
        await using var backend = new SqliteBackend();
        var runs = await backend.OpenAsync();
        var key = new SubmissionKey(null, "k", "f");
        var first = await runs.Store.CreateOnceAsync(Sample.Run(), key, Cancel);

        backend.Time.Advance(TimeSpan.FromHours(23));
        (await runs.Store.FindSubmissionAsync(key, Cancel)).ShouldNotBeNull().Run!.Id.ShouldBe(first.Run!.Id);
        backend.Time.Advance(TimeSpan.FromHours(2));

        (await runs.Store.FindSubmissionAsync(key, Cancel)).ShouldBeNull();
        (await runs.Store.CreateOnceAsync(Sample.Run(), key with { Fingerprint = "g" }, Cancel)).Outcome.ShouldBe(SubmissionOutcome.Created);
    }

    [Fact]
    public async Task File_IsRefusedWithASentence_WhenItIsNoDatabase()
    {
        await using var backend = new SqliteBackend();
        await File.WriteAllTextAsync(Path.Combine(backend.Folder, "agents.db"), new string('x', 5000), Cancel);

        var refused = Should.Throw<InvalidOperationException>(() => new SqliteDatabase(backend.Folder, backend.Time));

        refused.Message.ShouldContain("agents.db cannot be used");
    }

    [Fact]
    public async Task Write_WaitsItsTurn_WhenAnotherProcessIsWriting()
    {
        await using var backend = new SqliteBackend();
        var runs = await backend.OpenAsync();
        await using var other = new SqliteConnection($"Data Source={Path.Combine(backend.Folder, "agents.db")};Pooling=False");
        other.Open();
        var held = other.BeginTransaction(deferred: false);
        var run = Sample.Run();

        var submitting = Task.Run(() => runs.Store.CreateAsync(run, Cancel), Cancel);
        // Readers are not held up by the other's write.
        (await runs.Store.GetAsync(run.Id, Cancel)).ShouldBeNull();
        submitting.IsCompleted.ShouldBeFalse();
        held.Rollback();

        await submitting.WaitAsync(TimeSpan.FromSeconds(5), Cancel);
        (await runs.GetAsync(run.Id)).State.ShouldBe(RunState.Queued);
    }

    [Fact]
    public async Task Write_LeavesNoTrace_WhenItFailsHalfWay()
    {
        await using var backend = new SqliteBackend();
        var runs = await backend.OpenAsync();
        var run = Sample.Run("tester");

        // The second agent breaks the key after the run and the first agent were written.
        await Should.ThrowAsync<SqliteException>(() => runs.Store.CreateAsync(run with { Agents = [run.Agents[0], run.Agents[0]] }, Cancel));

        (await runs.Store.GetAsync(run.Id, Cancel)).ShouldBeNull();
        (await runs.AllEventsAsync(run.Id)).ShouldBeEmpty();
        await runs.Store.CreateAsync(run, Cancel);
        (await runs.AllEventsAsync(run.Id)).Single().Sequence.ShouldBe(1);
    }

    [Fact]
    public async Task Services_ShareOneFile_WhenAdded()
    {
        await using var backend = new SqliteBackend();
        await using var services = new ServiceCollection().AddLogging().AddRuns(_ => backend.Folder).BuildServiceProvider();
        var run = Sample.Run();
        await services.GetRequiredService<IRunStore>().CreateAsync(run, Cancel);

        var lease = (await services.GetRequiredService<IRunQueue>().TryClaimAsync("w1", Cancel)).ShouldNotBeNull();

        (await services.GetRequiredService<IRunEvents>().ReadAsync(lease.RunId, 0, 10, Cancel)).Count.ShouldBe(2);
        services.GetServices<Microsoft.Extensions.Hosting.IHostedService>().OfType<RunReaper>().ShouldHaveSingleItem();
    }

    private static void Execute(SqliteBackend backend, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(backend.Folder, "agents.db")};Pooling=False");
        connection.Open();
        connection.Execute(sql);
    }
}
