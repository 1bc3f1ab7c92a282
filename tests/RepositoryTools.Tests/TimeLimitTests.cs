using System.IO.Pipelines;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;
using RepositoryTools.Repositories;
using RepositoryTools.Serving;

namespace RepositoryTools.Tests;

public sealed class TimeLimitTests : IDisposable
{
    private readonly TemporaryDirectory _folder = new();
    private readonly ManualTimeProvider _clock = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Call_ThatTakesTooLong_IsStoppedWithAToolError()
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = Serve(async cancellationToken =>
        {
            started.SetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
            return "";
        });
        var call = server.CallAsync();
        await started.Task.WaitAsync(Eventually.Patience, TimeProvider.System, TestContext.Current.CancellationToken);

        _clock.Advance(TimeSpan.FromSeconds(20));

        (await call).ShouldBe("slow took longer than 20 s and was stopped: narrow it with 'path', or call again when the index is built.");
    }

    [Fact]
    public async Task Fault_ThatNobodyForesaw_IsAToolError_AndTheServerGoesOn()
    {
        var calls = 0;
        await using var server = Serve(_ => calls++ == 0 ? throw new InvalidOperationException("boom") : Task.FromResult("fine"));

        (await server.CallAsync()).ShouldStartWith("slow failed (InvalidOperationException: boom).");
        (await server.CallAsync()).ShouldBe("fine");
    }

    [Fact]
    public async Task Cancel_ReachesTheTool()
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var repository = new Repository("shop", _folder.FullPath, TimeProvider.System, NullLogger.Instance);
        var tool = new SlowTool(Context(repository), async cancellationToken =>
        {
            using var registration = cancellationToken.Register(ended.SetResult);
            started.SetResult();
            await ended.Task;
            return "";
        });
        var (up, down) = (new Pipe(), new Pipe());
        var server = McpServer.Create(
            new StreamServerTransport(up.Reader.AsStream(), down.Writer.AsStream()), new McpServerOptions { ToolCollection = [tool] });
        var running = server.RunAsync(TestContext.Current.CancellationToken);

        await SayAsync("""{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}""");
        await SayAsync("""{"jsonrpc":"2.0","method":"notifications/initialized"}""");
        await SayAsync("""{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"slow","arguments":{}}}""");
        await started.Task.WaitAsync(Eventually.Patience, TimeProvider.System, TestContext.Current.CancellationToken);
        await SayAsync("""{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}}""");

        await ended.Task.WaitAsync(Eventually.Patience, TimeProvider.System, TestContext.Current.CancellationToken);
        await server.DisposeAsync();
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        await repository.Index.DisposeAsync();

        async Task SayAsync(string message) => await up.Writer.WriteAsync(Encoding.UTF8.GetBytes(message + "\n"), TestContext.Current.CancellationToken);
    }

    private ToolContext Context(Repository repository) => new([repository], _clock, TimeSpan.FromSeconds(20), NullLogger.Instance);

    private Served Serve(Func<CancellationToken, Task<string>> work)
    {
        var repository = new Repository("shop", _folder.FullPath, TimeProvider.System, NullLogger.Instance);
        return new(new SlowTool(Context(repository), work), repository);
    }

    private sealed class SlowTool(ToolContext context, Func<CancellationToken, Task<string>> work) : RepositoryTool<FileSlice>(
        context, AnswerJson.Default.FileSlice, "slow", "Slow", "Does what a test says.", [])
    {
        protected override async Task<ToolAnswer<FileSlice>> AnswerAsync(ToolCall call, CancellationToken cancellationToken) =>
            new(new("", 1, 1, 1, ""), await work(cancellationToken));
    }

    private sealed class Served : IAsyncDisposable
    {
        private readonly Pipe _up = new();
        private readonly Pipe _down = new();
        private readonly Repository _repository;
        private readonly McpServer _server;
        private readonly Task _running;
        private readonly Task<McpClient> _client;

        internal Served(McpServerTool tool, Repository repository)
        {
            _repository = repository;
            _server = McpServer.Create(
                new StreamServerTransport(_up.Reader.AsStream(), _down.Writer.AsStream()), new McpServerOptions { ToolCollection = [tool] });
            _running = _server.RunAsync(TestContext.Current.CancellationToken);
            _client = McpClient.CreateAsync(new StreamClientTransport(_up.Writer.AsStream(), _down.Reader.AsStream()));
        }

        internal async Task<string> CallAsync() =>
            Tools.Text(await (await _client).CallToolAsync("slow", cancellationToken: TestContext.Current.CancellationToken));

        public async ValueTask DisposeAsync()
        {
            await (await _client).DisposeAsync();
            await _server.DisposeAsync();
            await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await _repository.Index.DisposeAsync();
        }
    }
}
