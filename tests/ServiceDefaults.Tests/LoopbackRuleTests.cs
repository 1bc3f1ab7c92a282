using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Hosting;
using ServiceDefaults.Callers;
using Shouldly;
using Testing;
using Xunit;

namespace ServiceDefaults.Tests;

public sealed class LoopbackRuleTests
{
    [Theory]
    [InlineData("http://0.0.0.0:0")]
    [InlineData("http://[::]:0")]
    [InlineData("http://*:0")]
    [InlineData("http://+:0")]
    [InlineData("http://gateway.example:0")]
    [InlineData("http://127.0.0.1:0;http://0.0.0.0:0")]
    public async Task Service_RefusesToStart_OnAnotherAddressThanLoopback(string url)
    {
        await using var app = TestService.Build(url: url);
        using var errors = new StringWriter();

        (await app.RunServiceAsync(errors)).ShouldBe(1);

        errors.ToString().ShouldContain("will not listen on http://");
        errors.ToString().ShouldContain("no authentication is configured, so it answers on loopback only");
        errors.ToString().ShouldContain("Set --urls (or ASPNETCORE_URLS) to a loopback address");
    }

    [Fact]
    public async Task Service_RefusesToStart_WhateverNamesTheAddress()
    {
        Func<WebApplication>[] services =
        [
            () => TestService.Build(new() { ["Kestrel:Endpoints:all:Url"] = "http://0.0.0.0:0" }),
            () => TestService.Build(new() { ["http_ports"] = "0" }, url: ""),
            () => TestService.Build(add: builder => builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Any, 0))),
        ];

        foreach (var build in services)
        {
            var error = await Should.ThrowAsync<InvalidOperationException>(async () =>
            {
                await using var app = build();
                await app.StartAsync();
            });
            error.Message.ShouldContain("answers on loopback only");
        }
    }

    [Theory]
    [InlineData("http://127.0.0.1:0")]
    [InlineData("http://127.0.0.2:0")]
    public async Task Service_Starts_OnLoopback(string url)
    {
        await using var app = TestService.Build(url: url);

        await app.StartAsync();

        using var client = new HttpClient();
        (await client.GetStringAsync($"{app.Urls.First()}/alive")).ShouldBe("Healthy");
    }

    [Fact]
    public async Task Service_Starts_OnAUnixSocket()
    {
        using var directory = new TemporaryDirectory();
        await using var app = TestService.Build(url: $"http://unix:{directory.PathOf("service.sock")}");

        await app.StartAsync();

        File.Exists(directory.PathOf("service.sock")).ShouldBeTrue();
    }

    [Fact]
    public async Task HealthOnlyService_Starts_OnAnyAddress()
    {
        await using var app = TestService.Build(add: builder => builder.AddCallerGuard(HealthOnly), url: "http://0.0.0.0:0");

        await app.StartAsync();

        using var client = new HttpClient();
        (await client.GetStringAsync($"http://127.0.0.1:{new Uri(app.Urls.First()).Port}/health")).ShouldBe("Healthy");
    }

    private static void HealthOnly(CallerGuardOptions options) => options.HealthOnly = true;
}
