using System.Net;
using System.Text;
using System.Text.Json;
using Agents.Api.Tests.Hosting;
using Agents.Api.Webhooks;
using Microsoft.Extensions.Options;

namespace Agents.Api.Tests;

/// <summary>Clients that are told: signed as Standard Webhooks wants, again until they take it, and nowhere they must not lead.</summary>
public sealed class WebhookTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static Dictionary<string, string?> Settings => new()
    {
        ["Webhooks:Secrets:0"] = WebhookReceiver.Secret,
        ["Webhooks:AllowedNetworks:0"] = "127.0.0.0/8",
        ["Webhooks:RetryDelay"] = "00:00:00.1",
    };

    [Theory]
    [InlineData("sqlite")]
    [InlineData("redis")]
    public async Task End_IsTold_SignedAndOnce(string store)
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        await using var host = await ApiHost.OpenAsync(store, Settings);
        var (api, _) = (await host.StartAsync(), await host.StartAsync());
        _ = host.Worker;

        var id = await SubmitAsync(api, receiver.Url, "break");
        var told = await Eventually.SeesAsync(() => receiver.Messages.ToArray(), messages => messages.Length > 0);

        var message = told.ShouldHaveSingleItem();
        message.Id.ShouldBe($"{id}.end");
        message.Signature.ShouldBe(message.Expected);
        long.Parse(message.Timestamp, System.Globalization.CultureInfo.InvariantCulture).ShouldBeInRange(
            TimeProvider.System.GetUtcNow().AddMinutes(-2).ToUnixTimeSeconds(), TimeProvider.System.GetUtcNow().ToUnixTimeSeconds());
        message.Headers["Content-Type"].ShouldBe("application/json");
        message.Headers.ContainsKey("traceparent").ShouldBeFalse("a trace is ours");
        message.Json.GetProperty("type").GetString().ShouldBe("run.completed_partial");
        message.Json.GetProperty("timestamp").GetDateTimeOffset().ShouldBe((await api.GetAsync($"/api/v1/runs/{id}")).Json.GetProperty("ended_at").GetDateTimeOffset());
        var data = message.Json.GetProperty("data");
        data.GetProperty("id").GetString().ShouldBe(id);
        data.GetProperty("metadata").GetProperty("ticket").GetString().ShouldBe("A-1");
        data.GetProperty("agents")[0].GetProperty("state").GetString().ShouldBe("failed");
    }

    [Theory]
    [InlineData("sqlite")]
    [InlineData("redis")]
    public async Task Message_IsSentAgain_UntilItIsTaken(string store)
    {
        await using var receiver = await WebhookReceiver.StartAsync((number, context) =>
        {
            context.Response.StatusCode = number switch { 1 => 500, 2 => 302, 3 => 429, _ => 204 };
            if (number == 2) context.Response.Headers.Location = "/elsewhere";
            return Task.CompletedTask;
        });
        await using var host = await ApiHost.OpenAsync(store, Settings);
        var api = await host.StartAsync();
        _ = host.Worker;

        var id = await SubmitAsync(api, receiver.Url);
        await Eventually.HoldsAsync(() => receiver.Messages.Count == 4);
        host.Time.By = TimeSpan.FromDays(1);
        await Eventually.SeesAsync(async () => await host.Outbox.TakeAsync(TimeSpan.Zero, Cancel), (WebhookDelivery? delivery) => delivery is null);

        receiver.Messages.ShouldAllBe(message => message.Id == $"{id}.end" && message.Path == "/hook" && message.Signature == message.Expected);
        receiver.Messages.Select(message => message.Body).Distinct().Count().ShouldBe(1);
    }

    [Theory]
    [InlineData("sqlite")]
    [InlineData("redis")]
    public async Task Message_IsDelivered_AfterTheProcessThatSentItWasKilled(string store)
    {
        var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var receiver = await WebhookReceiver.StartAsync(async (number, context) =>
        {
            if (number > 1) return;
            arrived.SetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);
        });
        await using var host = await ApiHost.OpenAsync(store, new Dictionary<string, string?>(Settings) { ["Webhooks:Timeout"] = "00:00:01" });
        var killed = await host.LaunchAsync();
        _ = host.Worker;
        var id = await SubmitAsync(new ApiClient(killed.Client), receiver.Url);
        await arrived.Task.WaitAsync(Eventually.Patience, Cancel);

        killed.Kill();
        await killed.WaitForExitAsync();
        await host.StartAsync();

        await Eventually.HoldsAsync(() => receiver.Messages.Count >= 2);
        receiver.Messages.ShouldAllBe(message => message.Id == $"{id}.end");
    }

    [Fact]
    public async Task Wait_IsTold_WithWhatWaits()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        await using var host = await ApiHost.OpenAsync("sqlite", Settings);
        var api = await host.StartAsync();
        var id = await SubmitAsync(api, receiver.Url, "manual");
        var lease = (await host.Queue.TryClaimAsync("w", Cancel))!;
        await host.Store.RequestApprovalsAsync(lease, [new ApprovalRequest("tester-1-1", "tester", "delete_file", JsonSerializer.Deserialize<JsonElement>("""{"path":"x"}"""))], Cancel);

        await host.Queue.ParkAsync(lease, ["tester-1-1"], Cancel);

        await Eventually.HoldsAsync(() => !receiver.Messages.IsEmpty);
        var message = receiver.Messages.ShouldHaveSingleItem();
        message.Json.GetProperty("type").GetString().ShouldBe("run.waiting_approval");
        message.Json.GetProperty("data").GetProperty("approvals")[0].GetProperty("tool").GetString().ShouldBe("delete_file");
        message.Signature.ShouldBe(message.Expected);
        (await api.PostAsync($"/api/v1/runs/{id}/approvals/tester-1-1", """{"decision":"approve"}""")).String("state").ShouldBe("approved");
    }

    [Fact]
    public async Task Name_ThatStandsForLoopback_IsNotReached()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        await using var host = await ApiHost.OpenAsync("sqlite", new Dictionary<string, string?>(Settings) { ["Webhooks:AllowedNetworks:0"] = null });
        var api = await host.LaunchAsync();
        _ = host.Worker;
        var url = receiver.Url.Replace("127.0.0.1", "localhost", StringComparison.Ordinal);

        await SubmitAsync(new ApiClient(api.Client), url);

        (await api.WaitForLineAsync("is given up after attempt 1")).ShouldContain("'localhost' is no public address");
        receiver.Messages.ShouldBeEmpty();
        var literal = await new ApiClient(api.Client).PostAsync("/api/v1/runs", $$$"""{"repository":"self","query":"q","webhook":{"url":"{{{receiver.Url}}}"}}""");
        literal.Status.ShouldBe(HttpStatusCode.BadRequest);
        literal.Json.GetProperty("errors").GetProperty("webhook.url")[0].GetString()!.ShouldContain("127.0.0.1, which is no public address");
    }

    [Theory]
    [InlineData("93.184.216.34", true)]
    [InlineData("2606:2800:220:1:248:1893:25c8:1946", true)]
    [InlineData("127.0.0.1", false)]
    [InlineData("127.8.8.8", false)]
    [InlineData("0.0.0.0", false)]
    [InlineData("10.0.0.1", false)]
    [InlineData("172.16.0.1", false)]
    [InlineData("172.31.255.255", false)]
    [InlineData("172.32.0.1", true)]
    [InlineData("192.168.1.1", false)]
    [InlineData("169.254.169.254", false)]
    [InlineData("100.64.0.1", false)]
    [InlineData("224.0.0.1", false)]
    [InlineData("255.255.255.255", false)]
    [InlineData("::1", false)]
    [InlineData("::", false)]
    [InlineData("::ffff:127.0.0.1", false)]
    [InlineData("::ffff:93.184.216.34", true)]
    [InlineData("::ffff:10.1.2.3", true)]
    [InlineData("64:ff9b::7f00:1", false)]
    [InlineData("2002:7f00:1::", false)]
    [InlineData("2001:0:7f00:1::", false)]
    [InlineData("fe80::1", false)]
    [InlineData("fd00::1", false)]
    [InlineData("ff02::1", false)]
    [InlineData("10.1.2.3", true)]
    public void Address_IsAllowed_WhenItIsPublicOrTheOperatorNamedItsNetwork(string address, bool allowed)
    {
        var options = new WebhookOptions { AllowedNetworks = { "10.1.0.0/16" } };

        new WebhookAddresses(Options.Create(options)).Allows(IPAddress.Parse(address)).ShouldBe(allowed);
    }

    [Fact]
    public void Signature_IsThatOfTheSpecification()
    {
        // The example of the reference implementations.
        var body = Encoding.UTF8.GetBytes("""{"test": 2432232314}""");

        WebhookSignature.Of([WebhookReceiver.Secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body).ShouldBe("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    [Fact]
    public void Settings_NameEveryError_AndNoSecret()
    {
        var options = new WebhookOptions { Secrets = { "whsec_c2hvcnQ=", "hunter2" }, AllowedNetworks = { "10.0.0.0/40" }, MaxAttempts = 0, Timeout = TimeSpan.Zero };

        var errors = new WebhookOptionsValidation().Validate(null, options).Failures!.ToList();

        errors.Select(error => error.Split(' ')[0]).ShouldBe(["Webhooks:Secrets:0", "Webhooks:Secrets:1", "Webhooks:AllowedNetworks:0", "Webhooks:Timeout", "Webhooks:MaxAttempts"]);
        string.Concat(errors).ShouldNotContain("hunter2");
    }

    private static async Task<string> SubmitAsync(ApiClient api, string url, string query = "q")
    {
        var answer = await api.PostAsync("/api/v1/runs", $$$"""{"repository":"self","query":"{{{query}}}","agents":["tester","summarizer"],"webhook":{"url":"{{{url}}}"},"metadata":{"ticket":"A-1"}}""");
        answer.Status.ShouldBe(HttpStatusCode.Accepted, answer.Text);
        return answer.String("id");
    }
}
