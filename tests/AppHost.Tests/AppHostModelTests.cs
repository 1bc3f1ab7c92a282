namespace AppHost.Tests;

/// <summary>The model as the entry point builds it; nothing is started.</summary>
public sealed class AppHostModelTests
{
    [Fact]
    public async Task Model_HasTheFourResources()
    {
        await using var builder = await CreateAsync();

        builder.Resources.Select(resource => resource.Name).ShouldBe(["cache", "mcp-gateway", "agents-worker", "agents-api"], ignoreOrder: true);
    }

    [Theory]
    [InlineData("mcp-gateway", "cache")]
    [InlineData("agents-worker", "cache", "mcp-gateway")]
    [InlineData("agents-api", "cache", "agents-worker")]
    public async Task Resource_WaitsForWhatItNeeds(string name, params string[] dependencies)
    {
        await using var builder = await CreateAsync();

        builder.Resources.Single(resource => resource.Name == name).Annotations.OfType<WaitAnnotation>().Select(wait => wait.Resource.Name).ShouldBe(dependencies, ignoreOrder: true);
    }

    [Theory]
    [InlineData("mcp-gateway", 5200)]
    [InlineData("agents-worker", 5300)]
    [InlineData("agents-api", 5100)]
    public async Task Project_AsksForItsOwnPort(string name, int port)
    {
        await using var builder = await CreateAsync();

        var endpoint = builder.Resources.Single(resource => resource.Name == name).Annotations.OfType<EndpointAnnotation>().ShouldHaveSingleItem();
        (endpoint.Name, endpoint.UriScheme, endpoint.Port).ShouldBe(("http", "http", port));
    }

    [Fact]
    public async Task Workers_AreAsManyAsConfigured()
    {
        await using var builder = await CreateAsync("--Workers:Replicas=3");

        builder.Resources.Single(resource => resource.Name == "agents-worker").Annotations.OfType<ReplicaAnnotation>().Single().Replicas.ShouldBe(3);
    }

    [Fact]
    public async Task ModelKey_IsASecretParameter_OnlyWhenThereIsOne()
    {
        await using var without = await CreateAsync();
        await using var with = await CreateAsync("--Models:ApiKey=sk-1");

        without.Resources.OfType<ParameterResource>().ShouldBeEmpty();
        with.Resources.OfType<ParameterResource>().ShouldHaveSingleItem().Secret.ShouldBeTrue();
    }

    [Fact]
    public async Task EntryPoint_ThatRefusesItsArguments_IsReported()
    {
        var failure = await Should.ThrowAsync<InvalidOperationException>(() => CreateAsync("--repository", "nonsense"));

        failure.Message.ShouldContain("ended without building");
        Environment.ExitCode = 0; // Set by the entry point, which ran in this process.
    }

    private static Task<IDistributedApplicationTestingBuilder> CreateAsync(params string[] args) =>
        DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(args, TestContext.Current.CancellationToken).WaitAsync(Eventually.Patience, TimeProvider.System);
}
