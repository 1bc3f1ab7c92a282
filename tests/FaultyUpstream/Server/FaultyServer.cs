using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using FaultyUpstream.Control;
using FaultyUpstream.Faults;
using FaultyUpstream.Protocol;
using FaultyUpstream.Sessions;
using FaultyUpstream.Tools;

namespace FaultyUpstream.Server;

/// <summary>The server behind all transports: everything that arrives passes here, is counted, meets its fault or is treated well.</summary>
internal sealed class FaultyServer
{
    private static readonly Task<JsonObject?> s_notExecuted = Task.FromResult<JsonObject?>(null);
    private readonly MessageServer _messages;

    public FaultyServer(FaultyUpstreamOptions options, IReadOnlyList<UpstreamTransport> transports, UpstreamRecord.Writer? record)
    {
        (Era, AnswerForm, Time, Transports) = (options.Era, options.AnswerForm, options.Time, transports);
        Counters = new Counters(record);
        _messages = new MessageServer(this);
    }

    public UpstreamEra Era { get; set; }
    public AnswerForm AnswerForm { get; set; }
    public TimeProvider Time { get; }
    public IReadOnlyList<UpstreamTransport> Transports { get; }
    public FaultList Faults { get; } = new();
    public ServerSessions Sessions { get; } = new();
    public Counters Counters { get; }
    public ToolCatalogue Tools { get; } = new();
    public ReleaseGate Gate { get; } = new();

    /// <summary>State of requests that belong to no session.</summary>
    public SessionCounter Stateless { get; set; } = new();

    /// <summary>Open <c>subscriptions/listen</c> of modern clients.</summary>
    public ConcurrentDictionary<Guid, Func<JsonObject, Task>> Listeners { get; } = new();

    /// <summary>What is said to a session that is not known.</summary>
    public Fault ToUnknownSession { get; set; } = new() { Kind = FaultKind.SessionNotFound };

    /// <summary>Whether the method is one of this era.</summary>
    public bool Knows(string? method) =>
        MessageServer.Knows(method) && (Era != UpstreamEra.Legacy || method is not (Methods.Discover or Methods.Listen));

    /// <summary>Takes a message in and sees to it that the client gets what it deserves, or what the fault says.</summary>
    public async Task ReceiveAsync(Arrival arrival, ServerSession? session, Exchange exchange)
    {
        var message = arrival.Message!;
        Counters.Arrived(arrival);
        try
        {
            if (await MisbehavesAsync(arrival, exchange, () => ExecuteAsync(arrival, session, exchange))) return;
            await exchange.AdmitAsync();
            var reply = await _messages.ReplyAsync(arrival, session, exchange, exchange.NotifyAsync);
            await SendAsync(reply, message, exchange);
        }
        finally
        {
            Counters.Left(arrival);
        }
    }

    /// <summary>Does the fault that is set for an arrival, if one is.</summary>
    /// <returns>False when the arrival is to be treated well.</returns>
    public async Task<bool> MisbehavesAsync(Arrival arrival, Exchange exchange, Func<Task<JsonObject?>>? execute = null)
    {
        if (Faults.Take(arrival) is not { } fault) return false;
        Counters.Fired(fault.Kind, arrival.Message?.CallId);
        if (fault.DelayMs > 0) await Task.Delay(TimeSpan.FromMilliseconds(fault.DelayMs), Time, exchange.Abandoned);
        var act = FaultTable.Find(fault, arrival.Transport)!;
        if (act is FaultAct.Late) return false;
        var answer = fault.DoesExecute && execute is not null ? execute() : s_notExecuted;
        if (act is not FaultAct.Resumable) await answer;
        await exchange.PerformAsync(act, fault, arrival.Message, answer);
        return true;
    }

    /// <summary>Answers a session that is not known.</summary>
    public FaultAct UnknownSession(UpstreamTransport transport)
    {
        var act = FaultTable.Find(ToUnknownSession, transport);
        if (act is not (null or FaultAct.Absent)) return act;
        return FaultTable.Cell(transport == UpstreamTransport.Stdio ? FaultKind.BeforeInitialization : FaultKind.SessionNotFound, transport)[0];
    }

    private static async Task SendAsync(Reply reply, RpcMessage message, Exchange exchange)
    {
        switch (reply)
        {
            case Reply.Answer answer:
                await exchange.AnswerAsync(answer.Message, answer.Status);
                break;
            case Reply.Refusal refusal:
                await exchange.PerformAsync(refusal.Act, new Fault { Kind = FaultKind.SessionNotFound }, message, s_notExecuted);
                break;
            case Reply.Taken:
                await exchange.TakeAsync();
                break;
            default:
                await exchange.EndAsync();
                break;
        }
    }

    /// <summary>Executes a request whose answer will not arrive as it should; what it notifies on the way is lost.</summary>
    private async Task<JsonObject?> ExecuteAsync(Arrival arrival, ServerSession? session, Exchange exchange) =>
        await _messages.ReplyAsync(arrival, session, exchange, _ => Task.CompletedTask) is Reply.Answer answer ? answer.Message : null;
}
