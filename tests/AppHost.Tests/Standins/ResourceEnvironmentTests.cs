using Aspire.Hosting.Local;
using Microsoft.Extensions.DependencyInjection;

namespace AppHost.Tests.Standins;

/// <summary>What the services of the real app host are told, value by value; nothing is started.</summary>
public sealed class ResourceEnvironmentTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Worker_FindsTheGateway_AndKnowsTheModel()
    {
        var variables = await OfAsync("agents-worker", "--Models:Provider=openai", "--Models:BaseUrl=https://models.test/v1", "--Models:Model=small", "--Models:ApiKey=sk-1");

        variables["services__mcp-gateway__http__0"].ShouldStartWith("http://localhost:");
        variables["MCP_GATEWAY_HTTP"].ShouldBe(variables["services__mcp-gateway__http__0"]);
        variables["ASPNETCORE_URLS"].ShouldStartWith("http://localhost:");
        variables["ASPNETCORE_ENVIRONMENT"].ShouldBe("Development");
        variables["OTEL_SERVICE_NAME"].ShouldBe("agents-worker");
        variables["OTEL_RESOURCE_ATTRIBUTES"].ShouldBe("service.instance.id=test");
        (variables["Models__Provider"], variables["Models__BaseUrl"], variables["Models__Model"], variables["Models__ApiKey"]).ShouldBe(("openai", "https://models.test/v1", "small", "sk-1"));
    }

    [Theory]
    [InlineData("mcp-gateway", "--Gateway:CatalogueTtl=00:01:00", "Gateway__CatalogueTtl", "00:01:00")]
    [InlineData("agents-worker", "--Worker:MaxRuns=8", "Worker__MaxRuns", "8")]
    [InlineData("agents-worker", "--Loop:ParallelToolCalls=2", "Loop__ParallelToolCalls", "2")]
    [InlineData("agents-worker", "--Tools:CallTimeout=00:00:10", "Tools__CallTimeout", "00:00:10")]
    [InlineData("agents-worker", "--Models:Temperature=0.5", "Models__Temperature", "0.5")]
    [InlineData("agents-worker", "--Models:Prices:0:Input=0.15", "Models__Prices__0__Input", "0.15")]
    [InlineData("agents-worker", "--Runs:Lease=00:01:00", "Runs__Lease", "00:01:00")]
    [InlineData("agents-api", "--Runs:MaxQueued=10", "Runs__MaxQueued", "10")]
    [InlineData("agents-api", "--Webhooks:AllowedNetworks:0=10.1.0.0/16", "Webhooks__AllowedNetworks__0", "10.1.0.0/16")]
    [InlineData("agents-api", "--CallerGuard:AllowedHosts:0=agents.test", "CallerGuard__AllowedHosts__0", "agents.test")]
    [InlineData("agents-api", "--Drain:Timeout=00:00:05", "Drain__Timeout", "00:00:05")]
    public async Task Service_GetsItsOwnKeys_FromTheAppHostsCommandLine(string name, string argument, string variable, string value) =>
        (await OfAsync(name, argument))[variable].ShouldBe(value);

    [Theory]
    [InlineData("mcp-gateway")]
    [InlineData("agents-api")]
    public async Task Service_KnowsTheRepositories_AndTheCommonStorage(string name)
    {
        var variables = await OfAsync(name, "--repository", $"shop={_directory.FullPath}", $"--Storage:Directory={_directory.FullPath}");

        variables["Repositories__shop__Path"].ShouldBe(_directory.FullPath);
        variables["Repositories__self__Path"].ShouldBe(RepositoryRoot.Find());
        variables["Storage__Directory"].ShouldBe(_directory.FullPath);
        variables.Keys.ShouldNotContain(key => key.StartsWith("Models__", StringComparison.Ordinal));
    }

    [Fact]
    public async Task GivenConnectionString_IsHandedOn_ByName() =>
        (await OfAsync("agents-api", "--ConnectionStrings:cache=redis.test:6379,password=p"))["ConnectionStrings__cache"].ShouldBe("redis.test:6379,password=p");

    [Fact]
    public async Task OtlpExporter_IsHandedOn_WithWhatDevelopmentAsksFor()
    {
        var variables = await OfAsync("agents-api", "--OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4317", "--OTEL_EXPORTER_OTLP_PROTOCOL=grpc");

        variables["OTEL_EXPORTER_OTLP_ENDPOINT"].ShouldBe("http://localhost:4317");
        variables["OTEL_EXPORTER_OTLP_PROTOCOL"].ShouldBe("grpc");
        variables["OTEL_TRACES_SAMPLER"].ShouldBe("always_on");
        variables["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"].ShouldBe("true");
    }

    [Fact]
    public async Task Telemetry_IsNotAskedFor_WithoutAnExporter() =>
        (await OfAsync("agents-api")).Keys.ShouldNotContain("OTEL_TRACES_SAMPLER");

    private static async Task<IReadOnlyDictionary<string, string>> OfAsync(string name, params string[] args)
    {
        await using var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.AppHost>(args, TestContext.Current.CancellationToken);
        await using var application = await builder.BuildAsync(TestContext.Current.CancellationToken);
        application.Services.GetRequiredService<EndpointAllocator>().Allocate(builder.Resources);
        var resource = builder.Resources.Single(resource => resource.Name == name);
        return await application.Services.GetRequiredService<ResourceEnvironment>().ForAsync(resource, 0, "test", TestContext.Current.CancellationToken);
    }
}
