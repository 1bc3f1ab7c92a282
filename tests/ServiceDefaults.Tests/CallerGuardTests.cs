using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Shouldly;
using Xunit;

namespace ServiceDefaults.Tests;

public sealed class CallerGuardTests
{
    [Theory]
    [InlineData("127.0.0.1:5200")]
    [InlineData("localhost")]
    [InlineData("LocalHost:1")]
    [InlineData("[::1]:5200")]
    [InlineData("gateway.dev.localhost:5200")]
    public async Task Host_IsAccepted_WhenItIsLoopback(string host)
    {
        await using var service = await StartAsync();

        (await SendAsync(service, host: host)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("attacker.example")]
    [InlineData("attacker.example:5200")]
    [InlineData("localhost.attacker.example")]
    [InlineData("127.0.0.1.attacker.example")]
    [InlineData("notlocalhost")]
    [InlineData("10.0.0.1")]
    [InlineData("0.0.0.0")]
    public async Task Host_IsRefused_WhenADnsNameWasRebound(string host)
    {
        await using var service = await StartAsync();

        var response = await SendAsync(service, host: host);

        response.StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("application/problem+json");
        var problem = JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
        problem["status"]!.GetValue<int>().ShouldBe(403);
        problem["detail"]!.GetValue<string>().ShouldContain($"'{host.Split(':')[0]}'");
    }

    [Theory]
    [InlineData("http://localhost:3000", HttpStatusCode.OK)]
    [InlineData("http://127.0.0.1", HttpStatusCode.OK)]
    [InlineData("https://console.example", HttpStatusCode.OK)]
    [InlineData("https://attacker.example", HttpStatusCode.Forbidden)]
    [InlineData("https://console.example.attacker.example", HttpStatusCode.Forbidden)]
    [InlineData("http://localhost@attacker.example", HttpStatusCode.Forbidden)]
    [InlineData("null", HttpStatusCode.Forbidden)]
    [InlineData("", HttpStatusCode.Forbidden)]
    public async Task Origin_IsCheckedWhenThereIsOne(string origin, HttpStatusCode expected)
    {
        await using var service = await StartAsync(new() { ["CallerGuard:AllowedOrigins:0"] = "https://console.example" });

        (await SendAsync(service, origin: origin)).StatusCode.ShouldBe(expected);
    }

    [Fact]
    public async Task Host_IsAccepted_WhenItIsListed()
    {
        await using var service = await StartAsync(new() { ["CallerGuard:AllowedHosts:0"] = "agents.example.com" });

        (await SendAsync(service, host: "Agents.example.com:443")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await SendAsync(service, host: "other.example.com")).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
    }

    [Theory]
    [InlineData("application/json", HttpStatusCode.OK)]
    [InlineData("application/json; charset=utf-8", HttpStatusCode.OK)]
    [InlineData("application/merge-patch+json", HttpStatusCode.OK)]
    [InlineData("text/plain", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("application/x-www-form-urlencoded", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("text/json", HttpStatusCode.UnsupportedMediaType)]
    [InlineData(null, HttpStatusCode.UnsupportedMediaType)]
    public async Task Body_HasToBeJson(string? contentType, HttpStatusCode expected)
    {
        await using var service = await StartAsync();
        using var content = new ByteArrayContent("{}"u8.ToArray());
        if (contentType is not null) content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);

        (await service.Client.PostAsync("/echo", content)).StatusCode.ShouldBe(expected);
        (await service.Client.PutAsync("/echo", content)).StatusCode.ShouldBe(expected);
        (await service.Client.PatchAsync("/echo", content)).StatusCode.ShouldBe(expected);
    }

    [Fact]
    public async Task Body_MayBeAbsent()
    {
        await using var service = await StartAsync();

        (await service.Client.PostAsync("/echo", null)).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Body_IsRefused_WhenItIsEncoded()
    {
        await using var service = await StartAsync();
        using var packed = new MemoryStream();
        await using (var gzip = new GZipStream(packed, CompressionMode.Compress, leaveOpen: true)) gzip.Write("{}"u8);
        using var content = new ByteArrayContent(packed.ToArray());
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        content.Headers.ContentEncoding.Add("gzip");

        var response = await service.Client.PostAsync("/echo", content);

        response.StatusCode.ShouldBe(HttpStatusCode.UnsupportedMediaType);
        (await response.Content.ReadAsStringAsync()).ShouldContain("send it without Content-Encoding");
    }

    [Fact]
    public async Task OwnBodyRule_LeavesTheBodyButNotTheHostToTheEndpoint()
    {
        await using var service = await StartAsync();

        (await service.Client.PostAsync("/own", new StringContent("x"))).StatusCode.ShouldBe(HttpStatusCode.OK);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/own") { Content = new StringContent("x") };
        request.Headers.Host = "attacker.example";
        (await service.Client.SendAsync(request)).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
    }

    [Fact]
    public async Task Health_IsExempt()
    {
        await using var service = await StartAsync();

        (await SendAsync(service, "/health", host: "10.1.2.3:8080", origin: "https://attacker.example")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await SendAsync(service, "/alive", host: "10.1.2.3:8080")).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task HealthOnly_AnswersNothingElse()
    {
        await using var service = await StartAsync(new() { ["CallerGuard:HealthOnly"] = "true" });

        (await service.Client.GetAsync("/health")).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await service.Client.GetAsync("/echo")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await service.Client.PostAsync("/own", new StringContent("x"))).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public void UseCallerGuard_SaysWhatIsMissing_WhenItWasNotAdded()
    {
        var app = WebApplication.CreateBuilder().Build();

        Should.Throw<InvalidOperationException>(() => app.UseCallerGuard()).Message.ShouldBe("Call builder.AddCallerGuard() before app.UseCallerGuard().");
    }

    private static Task<TestService> StartAsync(Dictionary<string, string?>? settings = null) => TestService.StartAsync(settings, map: app =>
    {
        app.MapMethods("/echo", ["GET", "POST", "PUT", "PATCH"], () => "echo");
        app.MapPost("/own", async (HttpRequest request) => await new StreamReader(request.Body, Encoding.UTF8).ReadToEndAsync()).WithOwnBodyRule();
    });

    private static async Task<HttpResponseMessage> SendAsync(TestService service, string path = "/echo", string? host = null, string? origin = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (host is not null) request.Headers.Host = host;
        if (origin is not null) request.Headers.TryAddWithoutValidation("Origin", origin);
        return await service.Client.SendAsync(request);
    }
}
