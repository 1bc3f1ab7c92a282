using System.Text.Json.Nodes;
using FaultyUpstream.Faults;
using FaultyUpstream.Protocol;
using FaultyUpstream.Sessions;

namespace FaultyUpstream.Server;

/// <summary>How what is owed to one arrival goes out on its transport.</summary>
internal abstract class Exchange
{
    /// <summary>Cancelled when the client no longer waits; on transports where that cannot be told, never.</summary>
    public virtual CancellationToken Abandoned => CancellationToken.None;

    /// <summary>A session was opened by this message; its id goes with the answer.</summary>
    public virtual void Opened(ServerSession session)
    {
    }

    /// <summary>The message meets no fault and is about to be executed.</summary>
    public virtual Task AdmitAsync() => Task.CompletedTask;

    /// <summary>Sends a notification that belongs to the request.</summary>
    public abstract Task NotifyAsync(JsonObject notification);

    public abstract Task AnswerAsync(JsonObject answer, int status, bool? inStream = null);

    /// <summary>Acknowledges a notification.</summary>
    public abstract Task TakeAsync();

    /// <summary>Ends without an answer.</summary>
    public abstract Task EndAsync();

    public abstract Task RefuseAsync(FaultAct.Status status, Fault fault);

    public abstract Task StaySilentAsync(FaultAct.Silence silence);

    public abstract Task BreakOffAsync(FaultAct.Fragment fragment, Fault fault, JsonObject answer);

    public abstract Task CloseResumableAsync(Fault fault, Task<JsonObject?> answer);

    public abstract Task DieAsync();

    /// <summary>Does what a fault asks for.</summary>
    /// <param name="act">What goes over the wire.</param>
    /// <param name="fault">Where its parameters are.</param>
    /// <param name="message">What it is done to; null for GET and DELETE.</param>
    /// <param name="answer">The true answer, where the fault executes.</param>
    public async Task PerformAsync(FaultAct act, Fault fault, RpcMessage? message, Task<JsonObject?> answer)
    {
        var owesAnswer = message?.IsRequest == true;
        switch (act)
        {
            case FaultAct.Status status:
                await RefuseAsync(status, fault);
                break;
            case FaultAct.Silence silence:
                await StaySilentAsync(silence);
                break;
            case FaultAct.Death:
                await DieAsync();
                break;
            case FaultAct.Error or FaultAct.Empty or FaultAct.Fragment or FaultAct.Resumable when !owesAnswer:
                await TakeAsync();
                break;
            case FaultAct.Error error:
                await AnswerAsync(Rpc.Error(message!.Id, error.Code, error.Message), 200, error.InStream);
                break;
            case FaultAct.Empty:
                await AnswerAsync(EmptySuccess(message!), 200);
                break;
            case FaultAct.Fragment fragment:
                await BreakOffAsync(fragment, fault, await answer ?? EmptySuccess(message!));
                break;
            case FaultAct.Resumable:
                await CloseResumableAsync(fault, answer);
                break;
            default:
                throw new InvalidOperationException($"{act.GetType().Name} cannot be sent.");
        }
    }

    /// <summary>A result of the method's shape that holds nothing.</summary>
    public static JsonObject EmptySuccess(RpcMessage message) => Rpc.Result(message.Id, message.Method switch
    {
        Methods.ToolsCall => new JsonObject { ["content"] = new JsonArray() },
        Methods.ToolsList => new JsonObject { ["tools"] = new JsonArray() },
        _ => [],
    });
}
