using System.Globalization;

namespace Agents.Api.Stream;

/// <summary>The texts of a run's agents: each turn of an agent that says something is a text with an id of its own, and at most one of them is open.</summary>
/// <param name="prefix">What the ids begin with.</param>
internal sealed class AgentTexts(string prefix)
{
    // Ordered, so that what is told of the end of a run depends on the names alone.
    private readonly SortedDictionary<string, Text> _texts = new(StringComparer.Ordinal);

    /// <summary>The text an agent speaks now.</summary>
    /// <returns>Its id, and whether it begins.</returns>
    public (string Id, bool Begins) Speak(string agent)
    {
        var text = _texts.GetValueOrDefault(agent);
        if (text.IsOpen)
            return (Id(agent, text), false);
        text = new(text.Count + 1, IsOpen: true, IsTurns: true);
        _texts[agent] = text;
        return (Id(agent, text), true);
    }

    /// <summary>Closes what an agent says.</summary>
    /// <returns>The text's id; null when none was open.</returns>
    public string? Close(string agent)
    {
        var text = _texts.GetValueOrDefault(agent);
        if (!text.IsOpen)
            return null;
        _texts[agent] = text with { IsOpen = false };
        return Id(agent, text);
    }

    /// <summary>Closes what an agent says, because the model has spoken its turn: calls that come now belong to it.</summary>
    /// <returns>The text's id; null when the agent said nothing in this turn.</returns>
    public string? EndTurn(string agent)
    {
        if (Close(agent) is { } closed)
            return closed;
        if (_texts.TryGetValue(agent, out var silent))
            _texts[agent] = silent with { IsTurns = false };
        return null;
    }

    /// <summary>Closes what an agent says, because it does not count.</summary>
    /// <returns>The text's id; null when none was open.</returns>
    public string? Void(string agent)
    {
        var closed = Close(agent);
        if (_texts.TryGetValue(agent, out var text))
            _texts[agent] = text with { IsTurns = false };
        return closed;
    }

    /// <summary>Closes all that is open, in the order of the agents' names.</summary>
    /// <returns>The ids.</returns>
    public IReadOnlyList<string> CloseAll() => [.. _texts.Keys.ToList().Select(Close).OfType<string>()];

    /// <summary>The text of the agent's turn, open or not; null when it said nothing in this turn.</summary>
    public string? OfTurn(string agent) => _texts.TryGetValue(agent, out var text) && text.IsTurns ? Id(agent, text) : null;

    private string Id(string agent, Text text) => string.Create(CultureInfo.InvariantCulture, $"{prefix}{agent}-{text.Count}");

    /// <param name="Count">Which of the agent's texts it is, from 1.</param>
    /// <param name="IsOpen">Whether the agent still speaks it.</param>
    /// <param name="IsTurns">Whether it was spoken in the turn that is under way.</param>
    private readonly record struct Text(int Count, bool IsOpen, bool IsTurns);
}
