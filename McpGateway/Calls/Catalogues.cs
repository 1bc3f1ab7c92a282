using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Upstreams;

namespace McpGateway.Calls;

/// <summary>
/// The catalogues of one upstream, by profile: a server of the legacy kind may offer a client other tools for what it can do.
/// The default one is always there; of the others as many are kept as profiles are kept warm, the most recently asked for.
/// </summary>
internal sealed class Catalogues
{
    private readonly Upstream _upstream;
    private readonly TimeSpan _ttl;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private readonly List<(SessionProfile Profile, Catalogue Catalogue)> _others = [];

    public Catalogues(Upstream upstream, TimeSpan ttl, TimeProvider time)
    {
        (_upstream, _ttl, _time) = (upstream, ttl, time);
        Default = Create(SessionProfile.Default);
    }

    /// <summary>Raised with the notification of a list that a client can have seen and that has become another.</summary>
    public event Action<McpMethod>? Changed;

    public Catalogue Default { get; }

    public Catalogue Of(SessionProfile profile)
    {
        if (profile == SessionProfile.Default) return Default;
        lock (_lock)
        {
            var at = _others.FindIndex(other => other.Profile == profile);
            var found = at >= 0 ? _others[at] : (profile, Create(profile));
            if (at >= 0) _others.RemoveAt(at);
            else if (_others.Count == Shelves.MostWarm) _others.RemoveAt(0);
            _others.Add(found);
            return found.Item2;
        }
    }

    private Catalogue Create(SessionProfile profile)
    {
        var catalogue = new Catalogue(_upstream, profile, _ttl, _time);
        catalogue.Changed += list => Changed?.Invoke(list);
        return catalogue;
    }
}
