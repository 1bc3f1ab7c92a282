using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Http.Resilience;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Polly;
using Polly.CircuitBreaker;
using Polly.RateLimiting;
using Polly.Timeout;
using Shouldly;
using Testing;
using Xunit;

namespace ServiceDefaults.Tests;

public sealed class ResilienceTests : IAsyncLifetime
{
    private readonly ManualTimeProvider _clock = new();
    private readonly RecordedLogs _logs = new();
    private readonly Server _server = new();

    public async ValueTask InitializeAsync() => await _server.StartAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Get_IsRetried_UntilItSucceeds()
    {
        _server.Answer = call => call < 3 ? 503 : 200;
        await using var services = Services();

        var answer = GetAsync(services);
        await NextRetryAsync(1);
        _clock.Advance(TimeSpan.FromSeconds(10));
        await NextRetryAsync(2);
        _clock.Advance(TimeSpan.FromSeconds(10));

        (await InTimeAsync(answer)).StatusCode.ShouldBe(HttpStatusCode.OK);
        _server.Calls.ShouldBe(3);
    }

    [Fact]
    public async Task Get_GivesTheLastAnswer_WhenRetriesAreUsedUp()
    {
        _server.Answer = _ => 503;
        await using var services = Services(options => options.Retry.MaxRetryAttempts = 1);

        var answer = GetAsync(services);
        await NextRetryAsync(1);
        _clock.Advance(TimeSpan.FromSeconds(10));

        (await InTimeAsync(answer)).StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        _server.Calls.ShouldBe(2);
    }

    [Theory]
    [InlineData("POST")]
    [InlineData("PUT")]
    [InlineData("PATCH")]
    [InlineData("DELETE")]
    public async Task UnsafeRequest_IsSentOnce(string method)
    {
        _server.Answer = _ => 503;
        await using var services = Services();
        using var request = new HttpRequestMessage(new HttpMethod(method), _server.Address);

        (await Client(services).SendAsync(request)).StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);

        _server.Calls.ShouldBe(1);
    }

    [Fact]
    public async Task Get_WaitsAsLongAsRetryAfterSays()
    {
        _server.Answer = call => call == 1 ? 429 : 200;
        _server.RetryAfter = "7";
        await using var services = Services();

        var answer = GetAsync(services);
        await NextRetryAsync(1);
        _clock.Advance(TimeSpan.FromSeconds(6.9));
        _server.Calls.ShouldBe(1);
        answer.IsCompleted.ShouldBeFalse();
        _clock.Advance(TimeSpan.FromSeconds(0.1));

        (await InTimeAsync(answer)).StatusCode.ShouldBe(HttpStatusCode.OK);
        _server.Calls.ShouldBe(2);
    }

    [Fact]
    public async Task Get_IsNotRetried_WhenTheAnswerIsFinal()
    {
        _server.Answer = _ => 404;
        await using var services = Services();

        (await GetAsync(services)).StatusCode.ShouldBe(HttpStatusCode.NotFound);

        _server.Calls.ShouldBe(1);
    }

    [Fact]
    public async Task Attempt_IsCutOffAfterItsTimeout()
    {
        _server.Hold = true;
        await using var services = Services();

        var answer = Client(services).PostAsync(_server.Address, null);
        await Eventually.HoldsAsync(() => _server.Calls == 1);
        _clock.Advance(TimeSpan.FromSeconds(10));

        await Should.ThrowAsync<TimeoutRejectedException>(InTimeAsync(answer));
    }

    [Fact]
    public async Task Request_IsCutOffAfterTheTotalTimeout()
    {
        _server.Answer = _ => 503;
        _server.RetryAfter = "3600";
        await using var services = Services();

        var answer = GetAsync(services);
        await NextRetryAsync(1);
        _clock.Advance(TimeSpan.FromSeconds(30));

        await Should.ThrowAsync<TimeoutRejectedException>(InTimeAsync(answer));
    }

    [Fact]
    public async Task Breaker_OpensForOneAuthorityOnly()
    {
        await using var other = new Server();
        await other.StartAsync();
        _server.Answer = _ => 500;
        await using var services = Services(options => options.CircuitBreaker.MinimumThroughput = 2);
        var client = Client(services);

        for (var call = 0; call < 2; call++) await client.PostAsync(_server.Address, null);

        await Should.ThrowAsync<BrokenCircuitException>(() => client.PostAsync(_server.Address, null));
        _server.Calls.ShouldBe(2);
        (await client.PostAsync(other.Address, null)).StatusCode.ShouldBe(HttpStatusCode.OK);

        _server.Answer = _ => 200;
        _clock.Advance(TimeSpan.FromSeconds(5));
        (await client.PostAsync(_server.Address, null)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task RateLimiter_RejectsWhatIsTooMuch()
    {
        _server.Hold = true;
        await using var services = Services(options => options.RateLimiter.DefaultRateLimiterOptions.PermitLimit = 1);
        var client = Client(services);

        var first = client.PostAsync(_server.Address, null);
        await Eventually.HoldsAsync(() => _server.Calls == 1);
        await Should.ThrowAsync<RateLimiterRejectedException>(() => client.PostAsync(_server.Address, null));
        _server.Release();

        (await InTimeAsync(first)).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await client.PostAsync(_server.Address, null)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Cancellation_EndsTheWaitForARetry()
    {
        _server.Answer = _ => 503;
        await using var services = Services();
        using var cancellation = new CancellationTokenSource();

        var answer = Client(services).GetAsync(_server.Address, cancellation.Token);
        await NextRetryAsync(1);
        await cancellation.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(InTimeAsync(answer));
        _server.Calls.ShouldBe(1);
    }

    [Fact]
    public async Task Options_AreCheckedTogether()
    {
        await using var services = Services(options =>
        {
            options.AttemptTimeout.Timeout = TimeSpan.FromSeconds(40);
            options.Retry.MaxRetryAttempts = 0;
            options.CircuitBreaker.FailureRatio = 2;
        });

        var error = Should.Throw<OptionsValidationException>(() => services.GetRequiredService<IStartupValidator>().Validate());

        error.Failures.ShouldContain("AttemptTimeout (00:00:40) must not be longer than TotalRequestTimeout (00:00:30).");
        error.Failures.ShouldContain(failure => failure.StartsWith("CircuitBreaker.SamplingDuration (00:00:30) must be at least twice"));
        error.Failures.ShouldContain(failure => failure.StartsWith("Standard-Retry: "));
        error.Failures.ShouldContain(failure => failure.StartsWith("Standard-CircuitBreaker: "));
    }

    [Fact]
    public async Task EveryClientOfAService_HasTheDefaults_AndMayDoWithout()
    {
        _server.Answer = _ => 503;
        await using var service = await TestService.StartAsync(
            new() { ["Services:mcp-gateway:http:0"] = _server.Address.ToString() },
            builder =>
            {
                builder.Services.AddSingleton<TimeProvider>(_clock);
                builder.Services.AddHttpClient("plain").WithoutResilience();
            });
        var clients = service.App.Services.GetRequiredService<IHttpClientFactory>();

        (await clients.CreateClient("plain").GetAsync("https+http://mcp-gateway/")).StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        _server.Calls.ShouldBe(1);
        clients.CreateClient("plain").Timeout.ShouldBe(Timeout.InfiniteTimeSpan);

        (await clients.CreateClient("any").PostAsync("https+http://mcp-gateway/", null)).StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        _server.Calls.ShouldBe(2);

        var answer = clients.CreateClient("any").GetAsync("https+http://mcp-gateway/");
        await service.Logs.WaitForAsync("OnRetry");
        await Eventually.HoldsAsync(() => _clock.PendingTimers == 2);
        _server.Answer = _ => 200;
        _clock.Advance(TimeSpan.FromSeconds(10));
        (await InTimeAsync(answer)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    /// <summary>These clients have no time limit but that of the manual clock.</summary>
    private static Task<HttpResponseMessage> InTimeAsync(Task<HttpResponseMessage> answer) =>
        answer.WaitAsync(Eventually.Patience, TimeProvider.System);

    private static HttpClient Client(ServiceProvider services) => services.GetRequiredService<IHttpClientFactory>().CreateClient("caller");

    private Task<HttpResponseMessage> GetAsync(ServiceProvider services) => Client(services).GetAsync(_server.Address);

    /// <summary>The retry is decided on, and both the total timeout and the delay are waiting.</summary>
    private async Task NextRetryAsync(int count)
    {
        await Eventually.HoldsAsync(() => _logs.Entries.Count(entry => entry.Message.Contains("OnRetry")) == count);
        await Eventually.HoldsAsync(() => _clock.PendingTimers == 2);
    }

    private ServiceProvider Services(Action<HttpStandardResilienceOptions>? configure = null)
    {
#pragma warning disable EXTEXP0001 // As ServiceDefaults uses it.
        var services = new ServiceCollection();
        services.AddLogging(logging => logging.AddProvider(_logs));
        services.AddSingleton<TimeProvider>(_clock);
        services.AddHttpClient("caller")
            .AddStandardResilienceHandler(options =>
            {
                options.Retry.DisableForUnsafeHttpMethods();
                // As long as the tests' steps: a retry that is decided on while the clock is still moving must not fall into the same step.
                options.Retry.Delay = TimeSpan.FromSeconds(10);
                options.Retry.BackoffType = DelayBackoffType.Constant;
                options.Retry.UseJitter = false;
                configure?.Invoke(options);
            })
            .SelectPipelineByAuthority();
        return services.BuildServiceProvider();
#pragma warning restore EXTEXP0001
    }

    /// <summary>Answers each call as told, or only when released.</summary>
    private sealed class Server : IAsyncDisposable
    {
        private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private TestService? _service;
        private int _calls;

        public Func<int, int> Answer { get; set; } = _ => 200;
        public string? RetryAfter { get; set; }
        public bool Hold { get; set; }
        public int Calls => Volatile.Read(ref _calls);
        public Uri Address => _service!.Client.BaseAddress!;

        public async Task StartAsync() => _service = await TestService.StartAsync(map: app => app.Map("/", HandleAsync));

        public void Release() => _released.TrySetResult();

        public async ValueTask DisposeAsync()
        {
            Release();
            if (_service is not null) await _service.DisposeAsync();
        }

        private async Task HandleAsync(HttpContext context)
        {
            var call = Interlocked.Increment(ref _calls);
            if (Hold) await _released.Task.WaitAsync(context.RequestAborted);
            context.Response.StatusCode = Answer(call);
            if (RetryAfter is not null) context.Response.Headers.RetryAfter = RetryAfter;
        }
    }
}
