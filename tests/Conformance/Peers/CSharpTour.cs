using System.Text.Json;
using ModelContextProtocol;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace Conformance.Peers;

/// <summary>The client of the C# SDK with its defaults: it probes with <c>server/discover</c>, which must not meet a 400.</summary>
internal sealed class CSharpTour : IDisposable
{
    private static readonly TimeSpan s_stepLimit = TimeSpan.FromSeconds(5);

    private readonly Dictionary<string, string?> _steps = [];
    private readonly StatusRecorder _statuses = new();
    private readonly HttpClient _http;
    private string? _revision;

    private CSharpTour() => _http = new HttpClient(_statuses);

    public static async Task<Tour> RunAsync(Uri url, PeerServer server, string folder)
    {
        using var tour = new CSharpTour();
        await tour.AttemptAsync("connect", async cancellationToken =>
        {
            await using var client = await tour.ConnectAsync(url, cancellationToken);
            tour._revision = client.NegotiatedProtocolVersion;
            await tour.WalkAsync(client, server, folder);
        }, TimeSpan.FromMinutes(1));
        tour._steps["statuses"] = tour._statuses.Refused is { Count: > 0 } refused ? $"POSTs answered {string.Join(' ', refused)}" : null;
        return new Tour(tour._revision, tour._steps);
    }

    public void Dispose() => _http.Dispose();

    private Task<McpClient> ConnectAsync(Uri url, CancellationToken cancellationToken) => McpClient.CreateAsync(
        new HttpClientTransport(new HttpClientTransportOptions { Endpoint = url }, _http),
        new McpClientOptions
        {
            Handlers = new McpClientHandlers
            {
                SamplingHandler = (_, _, _) => ValueTask.FromResult(new CreateMessageResult { Model = "tour", Role = Role.Assistant, Content = [new TextContentBlock { Text = "Sampled by the tour." }] }),
                ElicitationHandler = (_, _) => ValueTask.FromResult(new ElicitResult { Action = "accept", Content = new Dictionary<string, JsonElement> { ["name"] = JsonSerializer.SerializeToElement("Tour") } }),
            },
        },
        cancellationToken: cancellationToken);

    private async Task WalkAsync(McpClient client, PeerServer server, string folder)
    {
        var (tool, arguments, expected) = server.Kind switch
        {
            PeerServer.Everything => ("echo", new Dictionary<string, object?> { ["message"] = "héllo" }, "héllo"),
            PeerServer.Filesystem => ("list_allowed_directories", [], folder),
            _ => ("search_nodes", new Dictionary<string, object?> { ["query"] = "nothing" }, "entities"),
        };
        await AttemptAsync("tools", async cancellationToken => (await client.ListToolsAsync(cancellationToken: cancellationToken)).Select(known => known.Name).ShouldContain(server.Prefix + tool));
        await AttemptAsync("call", cancellationToken => CallAsync(client, server.Prefix + tool, arguments, expected, cancellationToken));
        if (server.Kind != PeerServer.Everything) return;

        await AttemptAsync("progress", async cancellationToken =>
        {
            var seen = new TaskCompletionSource<float>(TaskCreationOptions.RunContinuationsAsynchronously);
            await client.CallToolAsync(
                server.Prefix + "trigger-long-running-operation", new Dictionary<string, object?> { ["duration"] = 0.4, ["steps"] = 2 },
                new Progress<ProgressNotificationValue>(progress => seen.TrySetResult(progress.Progress)), cancellationToken: cancellationToken);
            (await seen.Task.WaitAsync(cancellationToken)).ShouldBeGreaterThan(0);
        });
        await AttemptAsync("resources", async cancellationToken =>
        {
            (await client.ListResourcesAsync(cancellationToken: cancellationToken)).ShouldNotBeEmpty();
            (await client.ReadResourceAsync("demo://resource/dynamic/text/1", cancellationToken: cancellationToken)).Contents.ShouldNotBeEmpty();
        });
        await AttemptAsync("prompts", async cancellationToken =>
        {
            var prompt = await client.GetPromptAsync(server.Prefix + "args-prompt", new Dictionary<string, object?> { ["city"] = "Bern" }, cancellationToken: cancellationToken);
            prompt.Messages[0].Content.ShouldBeOfType<TextContentBlock>().Text.ShouldContain("Bern");
        });
        await AttemptAsync("complete", async cancellationToken =>
            (await client.CompleteAsync(new PromptReference { Name = server.Prefix + "completable-prompt" }, "department", "Eng", cancellationToken: cancellationToken)).Completion.Values.ShouldBe(["Engineering"]));
        await AttemptAsync("sampling", cancellationToken => CallAsync(client, server.Prefix + "trigger-sampling-request", new Dictionary<string, object?> { ["prompt"] = "Say something" }, "Sampled by the tour.", cancellationToken));
        await AttemptAsync("elicitation", cancellationToken => CallAsync(client, server.Prefix + "trigger-elicitation-request", [], "Tour", cancellationToken));
    }

    private static async Task CallAsync(McpClient client, string tool, Dictionary<string, object?> arguments, string expected, CancellationToken cancellationToken)
    {
        var result = await client.CallToolAsync(tool, arguments, cancellationToken: cancellationToken);
        string.Join('\n', result.Content.OfType<TextContentBlock>().Select(block => block.Text)).ShouldContain(expected);
    }

    private async Task AttemptAsync(string step, Func<CancellationToken, Task> act, TimeSpan? within = null)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        using var timer = new CancellationTokenSource(within ?? s_stepLimit, TimeProvider.System);
        await using var _ = timer.Token.Register(limit.Cancel);
        _steps[step] = null;
        try
        {
            await act(limit.Token);
        }
        catch (Exception error) when (!TestContext.Current.CancellationToken.IsCancellationRequested)
        {
            _steps[step] = $"{error.GetType().Name}: {error.Message}".ReplaceLineEndings(" ");
        }
    }

    private sealed class StatusRecorder() : DelegatingHandler(new SocketsHttpHandler())
    {
        private readonly List<int> _refused = [];

        public IReadOnlyList<int> Refused
        {
            get
            {
                lock (_refused) return [.. _refused];
            }
        }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var response = await base.SendAsync(request, cancellationToken);
            if (request.Method != HttpMethod.Post || (int)response.StatusCode < 400) return response;
            lock (_refused) _refused.Add((int)response.StatusCode);
            return response;
        }
    }
}
