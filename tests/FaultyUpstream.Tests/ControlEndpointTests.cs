using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using FaultyUpstream.Tests.Wire;

namespace FaultyUpstream.Tests;

/// <summary>A server in a process of its own, told over HTTP or by its command line.</summary>
public sealed class ControlEndpointTests
{
    private static string Assembly => RepositoryRoot.AssemblyOf("tests/FaultyUpstream");

    [Fact]
    public async Task Http_IsTold_AndAsked()
    {
        await using var service = await ServiceProcess.StartAsync("tests/FaultyUpstream", ["--answer-form", "stream", "--fault", """{"kind":"rate_limited","methods":["initialize"],"times":1,"retry_after_s":2}"""]);
        var initialize = () => PostAsync(service.Client, Messages.Initialize());
        (await initialize()).StatusCode.ShouldBe(HttpStatusCode.TooManyRequests);
        (await initialize()).Content.Headers.ContentType!.MediaType.ShouldBe("text/event-stream");

        var fault = await service.Client.PostAsJsonAsync("/control/faults", JsonNode.Parse("""{"kind":"session_not_found_bad_request","variant":2,"methods":["initialize"]}"""));
        (await fault.Content.ReadAsStringAsync()).ShouldBe("""{"id":2}""");
        (await (await initialize()).Content.ReadAsStringAsync()).ShouldContain("No valid session ID provided");
        (await service.Client.DeleteAsync("/control/faults/2")).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await service.Client.DeleteAsync("/control/faults/2")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
        (await service.Client.PostAsync("/control/settings", new StringContent("""{"answer_form":"json","era":"both"}"""))).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await initialize()).Content.Headers.ContentType!.MediaType.ShouldBe("application/json");
        (await (await service.Client.PostAsync("/control/list-changed", null)).Content.ReadAsStringAsync()).ShouldBe("""{"notified":0}""");
        (await (await service.Client.PostAsync("/control/drop", new StringContent("""{"answer":"bare_not_found"}"""))).Content.ReadAsStringAsync()).ShouldBe("""{"dropped":2}""");

        var report = JsonNode.Parse(await service.Client.GetStringAsync("/control"))!;
        report["counters"]!["requests"]!["initialize"]!.GetValue<int>().ShouldBe(4);
        report["counters"]!["handshakes"]!.GetValue<int>().ShouldBe(2);
        report["counters"]!["faults_fired"]!.ToJsonString().ShouldBe("""{"rate_limited":1,"session_not_found_bad_request":1}""");
        report["session_counts"]!.ToJsonString().ShouldBe("""{"opened":2,"open":0,"deleted":0,"disconnected":0,"dropped":2}""");
        report["era"]!.GetValue<string>().ShouldBe("both");
        foreach (var command in new[] { "restart", "release" }) (await service.Client.PostAsync($"/control/{command}", null)).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await service.Client.DeleteAsync("/control/counters")).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await service.StopAsync()).ShouldBe(0);
    }

    [Theory]
    [InlineData("faults", """{"kind":"nope"}""", "$.kind is not a fault: give one of no_valid_session, ")]
    [InlineData("faults", """{"kind":"slow","delay":5}""", "delay")]
    [InlineData("faults", "", "The body is empty")]
    [InlineData("faults", """{"kind":"slow","times":0}""", "times is 0: give 1 or more")]
    [InlineData("drop", """{"answer":"slow"}""", "give one of the sixteen session faults")]
    [InlineData("settings", """{"era":"stone"}""", "give one of legacy, modern, both")]
    public async Task WrongCommand_IsRefused(string command, string body, string said)
    {
        await using var host = await FaultyUpstreamHost.StartAsync(cancellationToken: TestContext.Current.CancellationToken);
        using var http = new HttpClient { BaseAddress = host.BaseAddress };

        using var response = await http.PostAsync($"/control/{command}", new StringContent(body));

        response.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        JsonNode.Parse(await response.Content.ReadAsStringAsync())!["error"]!.GetValue<string>().ShouldContain(said);
    }

    [Fact]
    public async Task Stdio_IsTold_ThroughThePortOnStandardError_AndCrashes()
    {
        await using var process = ChildProcess.Start("dotnet", [Assembly, "--stdio"]);
        var control = new Uri((await process.WaitForLineAsync(line => line.StartsWith("control: ", StringComparison.Ordinal)))["control: ".Length..]);
        using var http = new HttpClient();
        foreach (var line in new[] { Messages.Initialize(), Messages.Initialized }) await process.Input.WriteLineAsync(line);
        await process.Input.FlushAsync();
        await process.WaitForLineAsync(line => line.Contains("serverInfo", StringComparison.Ordinal));

        (await http.PostAsync($"{control}/faults", new StringContent("""{"kind":"crash","tool":"execute_once"}"""))).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await http.PostAsync($"{control}/faults", new StringContent("""{"kind":"html"}"""))).StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        await process.Input.WriteLineAsync(Messages.Call(7, "execute_once", """{"call_id":"a"}"""));
        await process.Input.FlushAsync();

        (await process.WaitForExitAsync()).ShouldBe(70);
        process.Output.ShouldNotContain(line => line.Contains("\"id\":7", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Stdio_TakesFaultsFromTheEnvironment()
    {
        await using var process = ChildProcess.Start("dotnet", [Assembly, "--stdio"], new Dictionary<string, string?> { ["FAULTY_UPSTREAM_FAULTS"] = """[{"kind":"crash","executes":false,"methods":["server/discover"]}]""" });

        await process.Input.WriteLineAsync(Messages.Request(1, "server/discover"));
        await process.Input.FlushAsync();

        (await process.WaitForExitAsync()).ShouldBe(70);
    }

    [Theory]
    [InlineData("--era", "stone", "--era is 'stone': give legacy, modern, both.")]
    [InlineData("--what", "x", "--what is not known.")]
    [InlineData("--fault", "{", "--fault cannot be read")]
    [InlineData("--urls", "here", "--urls is 'here'")]
    public async Task WrongArgument_EndsWithASentence(string name, string value, string said)
    {
        await using var process = ChildProcess.Start("dotnet", [Assembly, name, value]);

        (await process.WaitForExitAsync()).ShouldBe(2);
        process.Output[0].ShouldContain(said);
    }

    private static async Task<HttpResponseMessage> PostAsync(HttpClient http, string message)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/mcp") { Content = new StringContent(message, System.Text.Encoding.UTF8, "application/json") };
        request.Headers.Add("Accept", "application/json, text/event-stream");
        return await http.SendAsync(request, TestContext.Current.CancellationToken);
    }
}
