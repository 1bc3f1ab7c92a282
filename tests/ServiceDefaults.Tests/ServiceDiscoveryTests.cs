using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.Memory;
using Microsoft.Extensions.DependencyInjection;
using Shouldly;
using Xunit;

namespace ServiceDefaults.Tests;

public sealed class ServiceDiscoveryTests
{
    [Fact]
    public async Task Name_IsResolvedFromConfiguration()
    {
        await using var gateway = await ListenAsync();
        using var caller = new Caller(("Services:mcp-gateway:http:0", gateway.Client.BaseAddress!.ToString()));

        (await caller.Client.GetStringAsync("https+http://mcp-gateway/where?x=1")).ShouldBe($"{gateway.Client.BaseAddress.Authority}/where?x=1");
        (await caller.Client.GetStringAsync("http://mcp-gateway/where")).ShouldBe($"{gateway.Client.BaseAddress.Authority}/where");
        (await caller.Client.GetStringAsync("http://MCP-Gateway/where")).ShouldBe($"{gateway.Client.BaseAddress.Authority}/where");
    }

    [Fact]
    public async Task Name_IsResolvedFromTheEnvironmentAsTheAppHostSetsIt()
    {
        await using var gateway = await ListenAsync();
        using var caller = new Caller();
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(new Dictionary<string, string?> { ["services:mcp-gateway:http:0"] = gateway.Client.BaseAddress!.ToString() })
            .Build();
        caller.Use(configuration);

        (await caller.Client.GetStringAsync("https+http://mcp-gateway/where")).ShouldBe($"{gateway.Client.BaseAddress.Authority}/where");
    }

    [Fact]
    public async Task Endpoints_AreTakenInTurn()
    {
        await using var first = await ListenAsync();
        await using var second = await ListenAsync();
        using var caller = new Caller(
            ("Services:worker:http:0", first.Client.BaseAddress!.ToString()), ("Services:worker:http:1", second.Client.BaseAddress!.ToString()));

        var answers = new List<string>();
        for (var call = 0; call < 4; call++) answers.Add(await caller.Client.GetStringAsync("http://worker/where"));

        string[] turn = [$"{first.Client.BaseAddress!.Authority}/where", $"{second.Client.BaseAddress!.Authority}/where"];
        answers.ShouldBe([.. turn, .. turn]);
    }

    [Fact]
    public async Task Endpoint_IsChosenByName()
    {
        await using var api = await ListenAsync();
        await using var dashboard = await ListenAsync();
        using var caller = new Caller(
            ("Services:gateway:http:0", api.Client.BaseAddress!.ToString()),
            ("Services:gateway:dashboard:0", dashboard.Client.BaseAddress!.ToString()));

        (await caller.Client.GetStringAsync("http://_dashboard.gateway/where")).ShouldStartWith(dashboard.Client.BaseAddress.Authority);
        (await caller.Client.GetStringAsync("http://gateway/where")).ShouldStartWith(api.Client.BaseAddress.Authority);
    }

    [Fact]
    public async Task Endpoint_IsTheDefaultOne_WhenThereIs()
    {
        await using var listed = await ListenAsync();
        using var caller = new Caller(
            ("Services:gateway:default", listed.Client.BaseAddress!.ToString()), ("Services:gateway:http:0", "http://127.0.0.1:1"));

        (await caller.Client.GetStringAsync("https+http://gateway/where")).ShouldStartWith(listed.Client.BaseAddress.Authority);
    }

    [Fact]
    public async Task Address_MayLackASchemeAndHaveAPath()
    {
        await using var server = await ListenAsync();
        var authority = server.Client.BaseAddress!.Authority;
        using var caller = new Caller(("Services:plain:http", authority), ("Services:deep:http", $"http://{authority}/prefix/"));

        (await caller.Client.GetStringAsync("http://plain/where")).ShouldBe($"{authority}/where");
        (await caller.Client.GetStringAsync("http://deep/a%2Fb?q=%20")).ShouldBe($"{authority}/prefix/a%2Fb?q=%20");
    }

    [Fact]
    public async Task Name_IsTheHost_WhenNothingIsConfigured()
    {
        await using var server = await ListenAsync();
        using var caller = new Caller();

        (await caller.Client.GetStringAsync($"http://localhost:{server.Client.BaseAddress!.Port}/where")).ShouldStartWith("localhost");
    }

    [Fact]
    public async Task Endpoints_Change_WhenTheConfigurationIsReloaded()
    {
        await using var before = await ListenAsync();
        await using var after = await ListenAsync();
        using var caller = new Caller(("Services:gateway:http:0", before.Client.BaseAddress!.ToString()));
        (await caller.Client.GetStringAsync("http://gateway/where")).ShouldStartWith(before.Client.BaseAddress.Authority);

        caller.Set("Services:gateway:http:0", after.Client.BaseAddress!.ToString());

        (await caller.Client.GetStringAsync("http://gateway/where")).ShouldStartWith(after.Client.BaseAddress.Authority);
    }

    [Fact]
    public async Task Request_KeepsTheNameAfterTheCall()
    {
        await using var server = await ListenAsync();
        using var caller = new Caller(("Services:gateway:http:0", server.Client.BaseAddress!.ToString()));
        using var request = new HttpRequestMessage(HttpMethod.Get, "https+http://gateway/where");

        await caller.Client.SendAsync(request);

        request.RequestUri.ShouldBe(new Uri("https+http://gateway/where"));
    }

    [Fact]
    public async Task Call_NamesTheKey_WhenAnAddressCannotBeRead()
    {
        using var caller = new Caller(("Services:gateway:http:0", "http://"));

        var error = await Should.ThrowAsync<KeyNotFoundException>(() => caller.Client.GetAsync("http://gateway/where"));

        error.Message.ShouldBe("Services:gateway:http:0 is 'http://': write an address such as 'http://localhost:5200'.");
    }

    private static Task<TestService> ListenAsync() => TestService.StartAsync(map: app =>
        app.MapFallback((HttpContext context) =>
            $"{context.Request.Host}{context.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpRequestFeature>()!.RawTarget}"));

    /// <summary>A client that finds services in a configuration that can change.</summary>
    private sealed class Caller : IDisposable
    {
        private readonly ConfigurationManager _configuration = new();
        private readonly Lazy<ServiceProvider> _services;

        public Caller(params (string Key, string Value)[] settings)
        {
            _configuration.Sources.Add(new MemoryConfigurationSource());
            foreach (var (key, value) in settings) _configuration[key] = value;
            _services = new(() =>
            {
                var services = new ServiceCollection();
                services.AddSingleton<IConfiguration>(_configuration);
                services.AddHttpClient("caller").AddServiceDiscovery();
                return services.BuildServiceProvider();
            });
        }

        public HttpClient Client => _services.Value.GetRequiredService<IHttpClientFactory>().CreateClient("caller");

        public void Use(IConfiguration configuration) => _configuration.AddConfiguration(configuration);

        public void Set(string key, string value)
        {
            _configuration[key] = value;
            ((IConfigurationRoot)_configuration).Reload();
        }

        public void Dispose()
        {
            if (_services.IsValueCreated) _services.Value.Dispose();
            _configuration.Dispose();
        }
    }
}
