namespace Agents.Runs.Tests.Contract;

/// <summary>What every <see cref="IAgentDefinitions"/> must do.</summary>
public abstract class AgentDefinitionsContract
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    protected abstract RunsBackend NewBackend();

    [Fact]
    public async Task Definition_KeepsItsVersions_WhenItIsReplaced()
    {
        await using var backend = NewBackend();
        var writer = await backend.OpenAsync();
        var reader = await backend.OpenAsync();

        var first = (await writer.Definitions.CreateAsync("ann", "reviewer", "one\n", Cancel)).ShouldNotBeNull();
        var second = (await writer.Definitions.ReplaceAsync(first.Id, 1, "two", Cancel)).ShouldNotBeNull();

        (first.Version, second.Version).ShouldBe((1, 2));
        (await reader.Definitions.GetAsync(first.Id, null, Cancel)).ShouldBe(second);
        (await reader.Definitions.GetAsync(first.Id, 1, Cancel)).ShouldBe(first);
        (await reader.Definitions.GetAsync(first.Id, 3, Cancel)).ShouldBeNull();
        (await reader.Definitions.FindAsync("ann", "reviewer", Cancel)).ShouldBe(second);
    }

    [Fact]
    public async Task Name_IsTakenOncePerOwner_WhenManyCreateAtOnce()
    {
        await using var backend = NewBackend();
        var processes = new[] { await backend.OpenAsync(), await backend.OpenAsync() };

        var created = await Task.WhenAll(Enumerable.Range(0, 8).Select(i =>
            Task.Run(() => processes[i % 2].Definitions.CreateAsync("ann", "reviewer", $"{i}", Cancel), Cancel)));

        var won = created.OfType<StoredAgent>().ShouldHaveSingleItem();
        (await processes[0].Definitions.CreateAsync("bob", "reviewer", "his", Cancel)).ShouldNotBeNull();
        (await processes[0].Definitions.CreateAsync(null, "reviewer", "nobody's", Cancel)).ShouldNotBeNull();
        (await processes[1].Definitions.FindAsync("ann", "reviewer", Cancel)).ShouldBe(won);
    }

    [Fact]
    public async Task Replacement_IsRefused_WhenItIsNotOfTheLatestVersion()
    {
        await using var backend = NewBackend();
        var runs = await backend.OpenAsync();
        var agent = (await runs.Definitions.CreateAsync(null, "reviewer", "one", Cancel)).ShouldNotBeNull();

        var replaced = await Task.WhenAll(Enumerable.Range(0, 6).Select(i => Task.Run(() => runs.Definitions.ReplaceAsync(agent.Id, 1, $"two {i}", Cancel), Cancel)));

        var won = replaced.OfType<StoredAgent>().ShouldHaveSingleItem();
        (await runs.Definitions.GetAsync(agent.Id, null, Cancel)).ShouldBe(won);
        (await runs.Definitions.ReplaceAsync("agent_none", 1, "x", Cancel)).ShouldBeNull();
    }

    [Fact]
    public async Task List_HasTheLatestOfEachByName_WhenOneOwnerAsks()
    {
        await using var backend = NewBackend();
        var runs = await backend.OpenAsync();
        var zoe = (await runs.Definitions.CreateAsync("ann", "zoe", "z", Cancel)).ShouldNotBeNull();
        var abe = (await runs.Definitions.CreateAsync("ann", "abe", "a", Cancel)).ShouldNotBeNull();
        await runs.Definitions.CreateAsync("bob", "bo", "b", Cancel);
        await runs.Definitions.CreateAsync(null, "all", "x", Cancel);
        zoe = (await runs.Definitions.ReplaceAsync(zoe.Id, 1, "z2", Cancel)).ShouldNotBeNull();

        (await runs.Definitions.ListAsync("ann", Cancel)).ShouldBe([abe, zoe]);
        (await runs.Definitions.ListAsync(null, Cancel)).Select(agent => agent.Name).ShouldBe(["all"]);
    }

    [Fact]
    public async Task Delete_FreesTheName_AndTakesAllVersionsAlong()
    {
        await using var backend = NewBackend();
        var runs = await backend.OpenAsync();
        var agent = (await runs.Definitions.CreateAsync("ann", "reviewer", "one", Cancel)).ShouldNotBeNull();
        await runs.Definitions.ReplaceAsync(agent.Id, 1, "two", Cancel);

        (await runs.Definitions.DeleteAsync(agent.Id, Cancel)).ShouldBeTrue();
        (await runs.Definitions.DeleteAsync(agent.Id, Cancel)).ShouldBeFalse();

        (await runs.Definitions.GetAsync(agent.Id, 1, Cancel)).ShouldBeNull();
        (await runs.Definitions.FindAsync("ann", "reviewer", Cancel)).ShouldBeNull();
        (await runs.Definitions.ListAsync("ann", Cancel)).ShouldBeEmpty();
        (await runs.Definitions.CreateAsync("ann", "reviewer", "new", Cancel)).ShouldNotBeNull().Version.ShouldBe(1);
    }
}
