using System.IO.Pipelines;
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

    private Served Serve(Func<CancellationToken, Task<string>> work)
    {
        var repository = new Repository("shop", _folder.FullPath, TimeProvider.System, NullLogger.Instance);
        return new(new SlowTool(new([repository], _clock, TimeSpan.FromSeconds(20), NullLogger.Instance), work), repository);
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

        internal async Task<string> CallAsync(CancellationToken cancellationToken = default) =>
            Tools.Text(await (await _client).CallToolAsync("slow", cancellationToken: cancellationToken));

        public async ValueTask DisposeAsync()
        {
            await (await _client).DisposeAsync();
            await _server.DisposeAsync();
            await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await _repository.Index.DisposeAsync();
        }
    }
}
