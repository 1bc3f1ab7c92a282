using System.Net;
using System.Text;
using System.Text.Json;

namespace Agents.Api.Tests.Hosting;

/// <summary>An answer as it came over the wire.</summary>
internal sealed record Answer(HttpStatusCode Status, string? ContentType, string Text, HttpResponseMessage Response)
{
    public JsonElement Json => JsonSerializer.Deserialize<JsonElement>(Text);

    public string String(string member) => Json.GetProperty(member).GetString()!;
}

/// <summary>Plain requests against the Api, without any of its types.</summary>
internal sealed class ApiClient(HttpClient http)
{
    public HttpClient Http => http;

    public Task<Answer> SendAsync(HttpMethod method, string path, string? body = null, string contentType = "application/json", string? lastEventId = null) =>
        SendAsync(method, path, body, contentType, lastEventId is null ? [] : [("Last-Event-ID", lastEventId)]);

    private async Task<Answer> SendAsync(HttpMethod method, string path, string? body, string contentType, (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
            request.Content = new StringContent(body, Encoding.UTF8, contentType);
        // A server that refuses a long body closes the connection, which would cut off a client that is still writing it.
        request.Headers.ExpectContinue = body?.Length > 64 * 1024;
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        var response = await http.SendAsync(request, TestContext.Current.CancellationToken);
        return new Answer(
            response.StatusCode, response.Content.Headers.ContentType?.MediaType,
            await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), response);
    }

    public Task<Answer> SendAsync(HttpMethod method, string path, string body, params (string Name, string Value)[] headers) => SendAsync(method, path, body, "application/json", headers);

    public Task<Answer> GetAsync(string path) => SendAsync(HttpMethod.Get, path);

    public Task<Answer> GetAsync(string path, params (string Name, string Value)[] headers) => SendAsync(HttpMethod.Get, path, null, "application/json", headers);

    public Task<Answer> PostAsync(string path, string body) => SendAsync(HttpMethod.Post, path, body);

    public Task<Answer> PostAsync(string path, string body, params (string Name, string Value)[] headers) => SendAsync(HttpMethod.Post, path, body, "application/json", headers);

    public async Task<string> SubmitAsync(string query, string agents = """["tester","simplifier"]""")
    {
        var answer = await PostAsync("/api/v1/runs", $$"""{"repository":"self","query":"{{query}}","agents":{{agents}}}""");
        answer.Status.ShouldBe(HttpStatusCode.Accepted, answer.Text);
        return answer.String("id");
    }

    public Task<Answer> EndedAsync(string runId) => Eventually.SeesAsync(
        () => GetAsync($"/api/v1/runs/{runId}"),
        answer => answer.String("state") is not ("queued" or "running"));

    /// <summary>A stream that is read as it comes.</summary>
    public async Task<StreamReader> OpenAsync(string path)
    {
        var response = await http.GetAsync(path, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("text/event-stream");
        return new StreamReader(await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
    }
}
