using McpGateway.Calls.Lists;
using McpGateway.Sessions;

namespace McpGateway.Upstreams;

/// <summary>What of an upstream the aggregate gives to another one that has the same: said once each, in the timeline and the log.</summary>
internal sealed class ShadowedNames(string upstream, Timeline timeline, ILogger logger)
{
    /// <summary>More are not remembered, and not said.</summary>
    private const int Most = 100;

    private readonly Lock _lock = new();
    private readonly HashSet<(ListKind Kind, string Name, string Owner)> _said = [];

    /// <param name="kind">What it is.</param>
    /// <param name="name">Its name, or URI, on the aggregate.</param>
    /// <param name="owner">The upstream that it is routed to.</param>
    public void Note(ListKind kind, string name, string owner)
    {
        lock (_lock)
        {
            if (_said.Count >= Most || !_said.Add((kind, name, owner))) return;
        }

        timeline.Add("shadowed on the aggregate", $"{kind.Noun} {name} is that of {owner}.");
        logger.Shadowed(kind.Noun, name, upstream, owner);
    }
}
