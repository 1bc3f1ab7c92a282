using System.Text.Json.Nodes;
using FaultyUpstream.Faults;
using FaultyUpstream.Server;
using FaultyUpstream.Sessions;

namespace FaultyUpstream.Transports;

/// <summary>A line of standard input, answered by a line of standard output.</summary>
internal sealed class StdioExchange(ServerSession session, Action die) : Exchange
{
    public override CancellationToken Abandoned => session.Ended;

    public override Task NotifyAsync(JsonObject notification) => Post(notification);

    public override Task AnswerAsync(JsonObject answer, int status, bool? inStream = null) => Post(answer);

    public override Task TakeAsync() => Task.CompletedTask;

    public override Task EndAsync() => Task.CompletedTask;

    public override Task RefuseAsync(FaultAct.Status status, Fault fault) =>
        throw new InvalidOperationException("There is no HTTP status on stdio.");

    public override Task StaySilentAsync(FaultAct.Silence silence) => Task.CompletedTask;

    public override Task BreakOffAsync(FaultAct.Fragment fragment, Fault fault, JsonObject answer) => Post(answer, half: true);

    public override Task CloseResumableAsync(Fault fault, Task<JsonObject?> answer) =>
        throw new InvalidOperationException("There is no stream to resume on stdio.");

    public override Task DieAsync()
    {
        die();
        return Task.CompletedTask;
    }

    private Task Post(JsonObject message, bool half = false)
    {
        session.Outbox.Post(message, half);
        return Task.CompletedTask;
    }
}
