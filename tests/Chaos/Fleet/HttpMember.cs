using System.Globalization;
using FaultyUpstream;
using FaultyUpstream.Control;
using FaultyUpstream.Faults;
using FaultyUpstream.Server;

namespace Chaos.Fleet;

/// <summary>An upstream over HTTP, in this process. A restart is another server on the same port; what the earlier ones counted is kept.</summary>
internal sealed class HttpMember : FleetMember
{
    private const string Call = "tools/call";
    private const string Initialize = "initialize";

    /// <summary>The ways to say that a session is unknown by an HTTP status, which every transport over HTTP has.</summary>
    private static readonly FaultKind[] s_refusals =
    [
        FaultKind.NoValidSession, FaultKind.SessionNotFoundBadRequest, FaultKind.SessionNotFound, FaultKind.SessionNotFoundInvalidRequest,
        FaultKind.BareNotFound, FaultKind.SessionUnavailable,
    ];

    private readonly Lock _gate = new();
    private readonly List<UpstreamControl> _lives = [];
    private readonly UpstreamTransport _transport;
    private readonly UpstreamEra _era;
    private readonly string _pool;
    private FaultyUpstreamHost _host = null!;
    private Uri _address = null!;

    private HttpMember(string name, string mode, UpstreamTransport transport, UpstreamEra era, string pool)
        : base(name, mode) => (_transport, _era, _pool) = (transport, era, pool);

    public override string Entry =>
        $"\"{Name}\": {{ \"url\": \"{(_transport == UpstreamTransport.Sse ? _host.Sse : _host.Mcp)}\", \"type\": \"{(_transport == UpstreamTransport.Sse ? "sse" : "http")}\", \"pool\": {{ \"mode\": \"{Mode}\"{_pool} }} }}";

    public override int Handshakes => Reports().Sum(report => report.Counters.Handshakes);

    /// <summary>The sessions that live on it and have been asked something, by id.</summary>
    public IReadOnlyList<string> OpenSessions => [.. _host.Control.Read().Sessions.Where(session => session.Requests > 0).Select(session => session.Id)];

    /// <summary>How many sessions live on it that nobody has asked anything since their handshake.</summary>
    public int Unasked => _host.Control.Read().Sessions.Count(session => session is { Requests: 0, Version: not null });

    /// <summary>Where it listens.</summary>
    public Uri Address => _address;

    /// <summary>Control of the server that lives now.</summary>
    public UpstreamControl Control => _host.Control;

    protected override IReadOnlyList<(string What, Func<Random, CancellationToken, Task> Act)> Ways => _era == UpstreamEra.Modern ? [.. Breaking()] : [.. Breaking(), .. Losing()];

    /// <param name="name">Its name at the gateway.</param>
    /// <param name="mode">The pool's mode.</param>
    /// <param name="transport">Streamable HTTP or SSE.</param>
    /// <param name="era">What it speaks.</param>
    /// <param name="pool">Further members of <c>pool</c>, each after a comma.</param>
    public static async Task<HttpMember> StartAsync(string name, string mode, UpstreamTransport transport = UpstreamTransport.StreamableHttp, UpstreamEra era = UpstreamEra.Legacy, string pool = "")
    {
        var member = new HttpMember(name, mode, transport, era, pool) { KeepsState = era == UpstreamEra.Legacy };
        await member.LiveAsync("http://127.0.0.1:0", CancellationToken.None);
        member._address = member._host.BaseAddress;
        return member;
    }

    public override Task BehaveAsync()
    {
        _host.Control.Behave();
        return Task.CompletedTask;
    }

    public override UpstreamCalls Calls()
    {
        var lives = Reports().Select(report => report.Counters).ToList();
        return new UpstreamCalls(
            Sum(lives.SelectMany(life => life.Arrivals)),
            Sum(lives.SelectMany(life => life.Executions)),
            lives.SelectMany(life => life.FaultedCalls).SelectMany(call => call.Value.Select(kind => (Id: call.Key, Kind: kind))).ToLookup(fault => fault.Id, fault => fault.Kind));
    }

    private static Dictionary<string, int> Sum(IEnumerable<KeyValuePair<string, int>> counts) =>
        counts.GroupBy(count => count.Key).ToDictionary(group => group.Key, group => group.Sum(count => count.Value));

    /// <summary>The most requests seen running at once on one session now.</summary>
    public int MostCallsOnOneSession() => _host.Control.MostCallsOnOneSession();

    /// <summary>Ends the server: connections are reset, and the port refuses.</summary>
    public ValueTask DieAsync() => _host.DisposeAsync();

    /// <summary>Starts a server anew on the port of the one that died.</summary>
    public Task ReviveAsync(CancellationToken cancellationToken) => LiveAsync(_address.GetLeftPart(UriPartial.Authority), cancellationToken);

    public override ValueTask DisposeAsync() => _host.DisposeAsync();

    private IEnumerable<(string, Func<Random, CancellationToken, Task>)> Breaking() =>
    [
        ("restarts", RestartAsync),
        ("cuts answers", (random, stop) => FaultAsync(new Fault { Kind = FaultKind.Cut, Methods = [Call], Times = random.Next(1, 4), Variant = random.Next(1, 3) }, random, stop)),
        ("crashes after dispatch", (random, stop) => FaultAsync(new Fault { Kind = FaultKind.Crash, Methods = [Call], Times = random.Next(1, 3) }, random, stop)),
        ("crashes before dispatch", (random, stop) => FaultAsync(new Fault { Kind = FaultKind.Crash, Executes = false, Methods = [Call], Times = random.Next(1, 3) }, random, stop)),
        ("answers 429", (random, stop) => FaultAsync(new Fault { Kind = FaultKind.RateLimited, Methods = [Call], Times = random.Next(1, 4), RetryAfterS = 1 }, random, stop)),
        ("hangs", (random, stop) => FaultAsync(new Fault { Kind = FaultKind.Hang, Methods = [Call], Times = 1 }, random, stop)),
    ];

    private IEnumerable<(string, Func<Random, CancellationToken, Task>)> Losing() =>
    [
        ("drops its sessions", DropAsync),
        ("drops its sessions", DropAsync),
        ("forgets some sessions", (random, stop) => FaultAsync(new Fault { Kind = FaultKind.ReplicaRoulette, Methods = [Call], Hits = 1, Of = random.Next(2, 6) }, random, stop)),
        ("answers 400 or 404", (random, stop) => FaultAsync(new Fault { Kind = s_refusals[random.Next(s_refusals.Length)], Methods = [Call], Times = random.Next(1, 3) }, random, stop)),
        ("answers 400 to a handshake", (random, stop) => RefuseHandshakesAsync(new Fault { Kind = FaultKind.BadRequest, Methods = [Initialize], Times = 1 }, random, stop)),
        ("answers 429 to a handshake", (random, stop) => RefuseHandshakesAsync(new Fault { Kind = FaultKind.RateLimited, Methods = [Initialize], Times = 1, RetryAfterS = 1 }, random, stop)),
        ("is slow to shake hands", (random, stop) => FaultAsync(new Fault { Kind = FaultKind.Slow, DelayMs = random.Next(50, 400), Methods = [Initialize], Times = 3 }, random, stop)),
    ];

    private async Task RestartAsync(Random random, CancellationToken cancellationToken)
    {
        using var cut = Troubles.Begin(TroubleKind.Cuts);
        var down = Troubles.Begin(TroubleKind.Down);
        await DieAsync();
        try
        {
            await Clock.DelayAsync(random.Next(20, 500), cancellationToken);
        }
        finally
        {
            await ReviveAsync(CancellationToken.None);
            EndWhenWell(down);
        }
    }

    private async Task DropAsync(Random random, CancellationToken cancellationToken)
    {
        // What runs on a session that is dropped gets no answer.
        using var cut = Troubles.Begin(TroubleKind.Cuts);
        _host.Control.Drop(new DropSessions { Answer = s_refusals[random.Next(s_refusals.Length)] });
        await Clock.DelayAsync(1, cancellationToken);
    }

    private async Task RefuseHandshakesAsync(Fault fault, Random random, CancellationToken cancellationToken)
    {
        var down = Troubles.Begin(TroubleKind.Down);
        try
        {
            await FaultAsync(fault, random, cancellationToken);
        }
        finally
        {
            EndWhenWell(down);
        }
    }

    private async Task FaultAsync(Fault fault, Random random, CancellationToken cancellationToken)
    {
        var control = _host.Control;
        var set = control.Set(fault);
        try
        {
            await Clock.DelayAsync(random.Next(50, 400), cancellationToken);
        }
        finally
        {
            control.Remove(set);
        }
    }

    private async Task LiveAsync(string url, CancellationToken cancellationToken)
    {
        // Somebody's outgoing connection may hold the port for a moment.
        _host = await Eventually.SeesAsync<FaultyUpstreamHost>(() => FaultyUpstreamHost.StartAsync(new FaultyUpstreamOptions { Url = url, Era = _era }, cancellationToken), _ => true);
        lock (_gate) _lives.Add(_host.Control);
    }

    private UpstreamReport[] Reports()
    {
        lock (_gate) return [.. _lives.Select(life => life.Read())];
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Name} ({Mode}, {_transport}, {_era})");
}
