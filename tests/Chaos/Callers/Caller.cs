using System.Globalization;
using System.Text;
using Chaos.Fleet;
using Chaos.Gateway;

namespace Chaos.Callers;

/// <summary>How a caller speaks.</summary>
internal enum Manner
{
    /// <summary>A session of 2025-11-25 on <c>/mcp</c>.</summary>
    LegacyAggregate,

    /// <summary>A session of 2025-11-25 per upstream, on <c>/mcp/{upstream}</c>.</summary>
    LegacyScoped,

    /// <summary>2026-07-28 with the header <c>Mcp-Affinity</c>.</summary>
    ModernWithAffinity,

    /// <summary>2026-07-28 without.</summary>
    Modern,
}

/// <summary>
/// One caller, one call at a time: picks upstream and tool at random, sometimes gives a call up, sometimes starts a session anew, and never
/// repeats a call. Everything in it belongs to its one loop.
/// </summary>
internal sealed class Caller
{
    private const string Envelope = "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\",\"io.modelcontextprotocol/clientInfo\":{\"name\":\"chaos\",\"version\":\"1\"},\"io.modelcontextprotocol/clientCapabilities\":{}";

    private readonly int _number;
    private readonly Random _random;
    private readonly IChaosGateway _gateway;
    private readonly FleetMember[] _choices;
    private readonly CounterWitness _witness;
    private readonly Dictionary<string, (string Session, int Generation)> _sessions = [];
    private readonly List<CallRecord> _records = [];
    private int _lastId;
    private int _affinity;
    private int _done;
    private int _wanted;

    /// <summary>The gateway as it was found at the start of the call: one call never speaks to two.</summary>
    private GatewayAddress _at;

    public Caller(int number, int seed, IChaosGateway gateway, IReadOnlyList<FleetMember> fleet)
    {
        (_number, _gateway) = (number, gateway);
        _random = new Random(HashCode(seed, number));
        Manner = (Manner)_random.Next(4);
        // A pinned upstream refuses who has neither session nor affinity.
        _choices = [.. fleet.Where(member => Manner != Manner.Modern || member.Mode != "pinned").SelectMany(member => Enumerable.Repeat(member, member.Weight))];
        _witness = new CounterWitness(number, Manner != Manner.Modern);
    }

    public Manner Manner { get; }

    public IReadOnlyList<CallRecord> Records => _records;

    /// <summary>Calls made so far; any thread may look.</summary>
    public int Done => Volatile.Read(ref _done);

    /// <summary>States seen that were not this caller's own.</summary>
    public IReadOnlyList<string> Leaks => _witness.Leaks;

    /// <summary>How often it had to begin a session again, because the gateway that knew it is gone.</summary>
    public int Reinitialized { get; private set; }

    /// <summary>Makes it end after so many calls in all, where it was to go on for longer.</summary>
    public void EndAfter(int calls) => Volatile.Write(ref _wanted, calls);

    public async Task RunAsync(int calls, CancellationToken cancellationToken)
    {
        EndAfter(calls);
        while (_records.Count < Volatile.Read(ref _wanted) && !cancellationToken.IsCancellationRequested)
        {
            if (_random.Next(100) == 0) await StartAnewAsync(cancellationToken);
            await CallOnceAsync(_choices[_random.Next(_choices.Length)], cancellationToken);
        }
    }

    private async Task CallOnceAsync(FleetMember upstream, CancellationToken cancellationToken)
    {
        var id = string.Create(CultureInfo.InvariantCulture, $"c{_number}-{++_lastId}");
        var (tool, arguments) = Choose(id);
        if (tool == "add_to_counter") _witness.Adds(upstream);
        var from = Clock.Now;
        _at = _gateway.Current;
        var (outcome, detail) = (Outcome.Wrong, "");
        try
        {
            var patience = _random.Next(16) == 0 ? _random.Next(25) : (int?)null;
            var reply = Manner is Manner.Modern or Manner.ModernWithAffinity
                ? await ModernAsync(upstream, tool, arguments, patience, cancellationToken)
                : await LegacyAsync(upstream, tool, arguments, patience, cancellationToken);
            (outcome, detail) = Judge(upstream, tool, id, reply, patience is not null);
        }
        catch (HttpRequestException error)
        {
            (outcome, detail) = (Outcome.GatewayLost, error.Message);
            await _gateway.BackAsync(cancellationToken);
        }

        _records.Add(new CallRecord(id, upstream.Name, tool, from, Clock.Now, outcome, detail));
        Volatile.Write(ref _done, _records.Count);
    }

    private (string Tool, string Arguments) Choose(string id) => _random.Next(100) switch
    {
        < 45 => ("execute_once", $"{{\"call_id\":\"{id}\"}}"),
        < 60 => ("slow", $"{{\"call_id\":\"{id}\",\"ms\":{_random.Next(30)}}}"),
        < 80 => ("add_to_counter", $"{{\"call_id\":\"{id}\",\"amount\":{_witness.Amount}}}"),
        < 92 => ("read_counter", $"{{\"call_id\":\"{id}\"}}"),
        _ => ("echo", $"{{\"call_id\":\"{id}\",\"text\":\"{id}\"}}"),
    };

    private (Outcome Outcome, string Detail) Judge(FleetMember upstream, string tool, string id, GatewayReply? reply, bool cancels)
    {
        if (reply is null || (cancels && reply is { Message: null, Status: 200 })) return (Outcome.Cancelled, "");
        if (reply.ErrorCode is -32050) return (Outcome.Unavailable, reply.ToString());
        if (reply.ErrorCode is -32051) return (Outcome.OutcomeUnknown, reply.ToString());
        if (reply is not { Status: 200, Text: { } text } || reply.IsToolError) return (Outcome.Wrong, reply.ToString());
        var expected = tool switch
        {
            "execute_once" => $"{id} 1",
            "slow" => "done",
            "echo" => id,
            _ => null,
        };
        if (expected is null) _witness.Saw(upstream, id, tool, long.Parse(text, CultureInfo.InvariantCulture));
        return expected is null || expected == text ? (Outcome.Answered, "") : (Outcome.Wrong, $"answered '{text}'");
    }

    private async Task<GatewayReply?> ModernAsync(FleetMember upstream, string tool, string arguments, int? patience, CancellationToken cancellationToken)
    {
        var scoped = _random.Next(2) == 0;
        var name = scoped ? tool : $"{upstream.Name}__{tool}";
        var headers = new List<(string, string)> { ("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "tools/call"), ("Mcp-Name", name) };
        if (Manner == Manner.ModernWithAffinity) headers.Add(("Mcp-Affinity", $"caller-{_number}/{_affinity}"));
        using var gaveUp = new CancellationTokenSource();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, gaveUp.Token);
        var giving = patience is { } wait ? GiveUpAsync(gaveUp, wait, cancellationToken) : Task.CompletedTask;
        try
        {
            return await PostAsync(scoped ? $"/mcp/{upstream.Name}" : "/mcp", Request(_lastId, name, arguments, $",\"_meta\":{{{Envelope}}}"), either.Token, [.. headers]);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return null;
        }
        finally
        {
            await giving;
        }
    }

    private static async Task GiveUpAsync(CancellationTokenSource call, int wait, CancellationToken cancellationToken)
    {
        await Clock.DelayAsync(wait, cancellationToken);
        await call.CancelAsync();
    }

    private async Task<GatewayReply?> LegacyAsync(FleetMember upstream, string tool, string arguments, int? patience, CancellationToken cancellationToken)
    {
        var path = Manner == Manner.LegacyScoped ? $"/mcp/{upstream.Name}" : "/mcp";
        var session = await SessionAsync(path, cancellationToken);
        var name = Manner == Manner.LegacyScoped ? tool : $"{upstream.Name}__{tool}";
        var id = _lastId;
        var calling = PostAsync(path, Request(id, name, arguments, ""), cancellationToken, ("Mcp-Session-Id", session), ("MCP-Protocol-Version", "2025-11-25"));
        if (patience is not { } wait) return await calling;
        await Clock.DelayAsync(wait, cancellationToken);
        await PostAsync(path, $"{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{{\"requestId\":{id}}}}}", cancellationToken, ("Mcp-Session-Id", session));
        return await calling;
    }

    private async Task<string> SessionAsync(string path, CancellationToken cancellationToken)
    {
        if (_sessions.TryGetValue(path, out var known))
        {
            if (known.Generation == _at.Generation) return known.Session;
            Reinitialized++;
        }

        const string Initialize = """{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"chaos","version":"1"}}}""";
        var reply = await PostAsync(path, Initialize, cancellationToken);
        if (reply is not { Status: 200, Session: { } session }) throw new InvalidOperationException($"initialize on {path} was answered {reply}");
        await PostAsync(path, """{"jsonrpc":"2.0","method":"notifications/initialized"}""", cancellationToken, ("Mcp-Session-Id", session));
        _sessions[path] = (session, _at.Generation);
        return session;
    }

    /// <summary>Ends its sessions, or takes another affinity: what it has kept upstream is then gone.</summary>
    private async Task StartAnewAsync(CancellationToken cancellationToken)
    {
        _at = _gateway.Current;
        foreach (var (path, (session, generation)) in _sessions.ToArray())
        {
            if (generation != _at.Generation) continue;
            try
            {
                using var delete = new HttpRequestMessage(HttpMethod.Delete, new Uri(_at.Address, path));
                delete.Headers.TryAddWithoutValidation("Mcp-Session-Id", session);
                using var response = await _gateway.Client.SendAsync(delete, cancellationToken);
            }
            catch (HttpRequestException)
            {
                await _gateway.BackAsync(cancellationToken);
            }
        }

        _sessions.Clear();
        _affinity++;
        _witness.StartAnew();
    }

    private async Task<GatewayReply> PostAsync(string path, string body, CancellationToken cancellationToken, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_at.Address, path)) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.TryAddWithoutValidation("Accept", "application/json, text/event-stream");
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        using var response = await _gateway.Client.SendAsync(request, cancellationToken);
        return await GatewayReply.ReadAsync(response, cancellationToken);
    }

    private static string Request(int id, string tool, string arguments, string meta) =>
        $"{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"tools/call\",\"params\":{{\"name\":\"{tool}\",\"arguments\":{arguments}{meta}}}}}";

    private static int HashCode(int seed, int number) => unchecked((seed * 397) ^ (number * 7919));
}
