using FaultyUpstream.Faults;
using FaultyUpstream.Server;
using FaultyUpstream.Sessions;

namespace FaultyUpstream.Control;

/// <summary>What a test can tell and ask the server: in-process directly, from elsewhere through <c>/control</c>.</summary>
public sealed class UpstreamControl
{
    private readonly FaultyServer _server;
    private readonly Action _endProcess;

    internal UpstreamControl(FaultyServer server, Action endProcess) => (_server, _endProcess) = (server, endProcess);

    /// <summary>Sets a fault.</summary>
    /// <returns>The id to remove it by.</returns>
    /// <exception cref="ControlException">A field is out of its range, or the kind does not exist on this server's transports.</exception>
    public int Set(Fault fault)
    {
        ArgumentNullException.ThrowIfNull(fault);
        var problems = fault.Problems(_server.Transports).ToList();
        return problems.Count == 0 ? _server.Faults.Add(fault) : throw new ControlException($"The fault cannot be set: {string.Join("; ", problems)}.");
    }

    /// <summary>Takes a fault back.</summary>
    /// <returns>False when it is used up or never was.</returns>
    public bool Remove(int fault) => _server.Faults.Remove(fault);

    /// <summary>Behaves again: no fault is set, an unknown session gets a 404.</summary>
    public void Behave()
    {
        _server.Faults.Clear();
        _server.ToUnknownSession = new Fault { Kind = FaultKind.SessionNotFound };
    }

    /// <summary>Forgets sessions; their streams end, their running calls get no answer. On stdio the process is as before <c>initialize</c>.</summary>
    /// <returns>How many were forgotten.</returns>
    public int Drop(DropSessions? which = null)
    {
        which ??= new DropSessions();
        if (which.Answer is { } answer) _server.ToUnknownSession = Validated(new Fault { Kind = answer, Variant = which.Variant });
        return _server.Sessions.All.Count(session => (which.Session is null || which.Session == session.Id) && Drop(session, hard: false));
    }

    /// <summary>As if the process had been started anew: sessions, their state and added tools are forgotten, connections are reset; faults and counters stay. A stdio process exits with code 0.</summary>
    public void Restart()
    {
        foreach (var session in _server.Sessions.All) Drop(session, hard: true);
        _server.Tools.ForgetAdded();
        _server.Stateless = new SessionCounter();
        _endProcess();
    }

    /// <summary>Lets go of the calls of <c>slow</c> that wait.</summary>
    public void Release() => _server.Gate.Release();

    /// <summary>Sends <c>notifications/tools/list_changed</c> to every session that listens.</summary>
    /// <returns>How many got it.</returns>
    public async Task<int> ChangeListAsync(ListChange? change = null)
    {
        if (change?.Tool is { Length: > 0 } tool) _server.Tools.Add(tool);
        var notification = Rpc.Notification("notifications/tools/list_changed");
        foreach (var listener in _server.Listeners.Values) await listener(notification);
        return _server.Listeners.Count + _server.Sessions.All.Count(session => session.IsReady && session.Outbox.Post(notification));
    }

    /// <summary>Changes settings.</summary>
    public void Change(UpstreamSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        _server.Era = settings.Era ?? _server.Era;
        _server.AnswerForm = settings.AnswerForm ?? _server.AnswerForm;
    }

    /// <summary>Starts counting anew.</summary>
    public void ResetCounters()
    {
        _server.Counters.Reset();
        _server.Sessions.ResetCounts();
    }

    /// <summary>The most tool calls and lists that run on one session now.</summary>
    public int MostCallsOnOneSession() => _server.Sessions.All.Select(session => session.CallsRunning).DefaultIfEmpty().Max();

    /// <summary>Everything there is to know.</summary>
    public UpstreamReport Read()
    {
        var sessions = _server.Sessions;
        return new UpstreamReport
        {
            Era = _server.Era,
            AnswerForm = _server.AnswerForm,
            Faults = _server.Faults.All,
            Sessions = [.. sessions.All.Select(session => new SessionReport(
                session.Id, session.Transport, session.Version, session.IsReady, session.ClientName, session.Counter.Value, session.CallsRunning, session.Requests, session.Outbox.IsAttached))],
            SessionCounts = new SessionCounts(
                sessions.Opened, sessions.Open, sessions.EndedBy(SessionEnd.Deleted), sessions.EndedBy(SessionEnd.Disconnected), sessions.EndedBy(SessionEnd.Dropped)),
            Counters = _server.Counters.Read(),
        };
    }

    private bool Drop(ServerSession session, bool hard)
    {
        if (session.Transport != UpstreamTransport.Stdio) return _server.Sessions.End(session, SessionEnd.Dropped, hard);
        if (session.Version is null) return false;
        session.Forget();
        _server.Sessions.Count(SessionEnd.Dropped);
        return true;
    }

    private Fault Validated(Fault answer)
    {
        var problems = answer.Problems(_server.Transports).ToList();
        if (answer.Kind > FaultKind.NotConnected) problems.Add($"answer is {answer.Kind}: give one of the sixteen session faults");
        return problems.Count == 0 ? answer : throw new ControlException($"Sessions cannot be dropped so: {string.Join("; ", problems)}.");
    }
}
