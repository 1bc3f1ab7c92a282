using System.IO.Pipelines;
using System.Text;

namespace FaultyUpstream.Tests.Wire;

/// <summary>Standard input and output by hand, over pipes within the process.</summary>
internal sealed class StdioConnection : Connection
{
    private readonly Pipe _input;
    private readonly StreamReader _lines;

    private StdioConnection(FaultyUpstreamHost host, Pipe input, Pipe output)
        : base(host) => (_input, _lines) = (input, new StreamReader(output.Reader.AsStream(), Encoding.UTF8));

    public static async Task<StdioConnection> ConnectAsync(FaultyUpstreamOptions? options = null)
    {
        var (input, output) = (new Pipe(), new Pipe());
        var host = await FaultyUpstreamHost.StartStdioAsync(input.Reader.AsStream(), output.Writer.AsStream(), options, TestContext.Current.CancellationToken);
        return new StdioConnection(host, input, output);
    }

    public override async Task<string> AskAsync(string message)
    {
        await TellAsync(message);
        return $"line {await NextAsync()}";
    }

    public override async Task TellAsync(string message) => await _input.Writer.WriteAsync(Encoding.UTF8.GetBytes(message + "\n"), TestContext.Current.CancellationToken);

    /// <summary>A notification is not acknowledged on stdio; the answer to what follows it shows that it was read.</summary>
    public override async Task ShakeHandsAsync()
    {
        await base.ShakeHandsAsync();
        (await AskAsync(Messages.Request(1, "ping"))).ShouldEndWith("\"result\":{}}");
    }

    public async Task<string?> NextAsync() =>
        await _lines.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Eventually.Patience, TimeProvider.System, TestContext.Current.CancellationToken);

    /// <summary>Closes the input and gives the exit code.</summary>
    public async Task<int> CloseInputAsync()
    {
        await _input.Writer.CompleteAsync();
        return await Host.Completion.WaitAsync(Eventually.Patience, TimeProvider.System, TestContext.Current.CancellationToken);
    }

    public override ValueTask DisposeAsync() => Host.DisposeAsync();
}
