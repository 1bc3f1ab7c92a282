using System.Text.Json.Nodes;
using ConformanceUpstream.Calls;
using ConformanceUpstream.Protocol;

namespace ConformanceUpstream.Legacy;

/// <summary>A request in a session: notifications and requests of the server go out on the stream of its answer.</summary>
internal sealed class LegacyCall(LegacySession session, EventLog stream) : ClientCall
{
    protected override JsonObject Capabilities => session.Capabilities;

    public override Task NotifyAsync(string method, JsonObject parameters)
    {
        stream.Append(Rpc.Notification(method, parameters));
        return Task.CompletedTask;
    }

    public override async Task<IReadOnlyList<JsonObject>> AskAsync(params InputRequest[] requests) =>
        await Task.WhenAll(requests.Select(AskAsync));

    public override Task BreakOffAsync()
    {
        if (stream != session.Outside && Revision.PrimesStreams(session.Version!)) stream.BreakOff();
        return Task.CompletedTask;
    }

    protected override bool WantsLog(string level) => Severity.Reaches(level, session.LogLevel);

    private async Task<JsonObject> AskAsync(InputRequest request)
    {
        if (!Declares(request.Capability)) throw new InputRefusedException(request.Method, $"the client did not declare '{request.Capability}'");
        var answer = await session.AskAsync(stream, request.Method, request.Params.DeepClone().AsObject(), Cancelled);
        return answer["result"] as JsonObject ?? throw new InputRefusedException(request.Method, answer["error"]?["message"]?.ToString() ?? "no result");
    }
}
