using FaultyUpstream.Faults;

namespace FaultyUpstream.Control;

/// <summary>Which sessions the server forgets, and what it says from now on to those it does not know.</summary>
public sealed record DropSessions
{
    /// <summary>The session to forget; null is all.</summary>
    public string? Session { get; init; }

    /// <summary>One of the sixteen ways to say that a session is not known; null leaves it as it is (<see cref="FaultKind.SessionNotFound"/> at first).</summary>
    public FaultKind? Answer { get; init; }

    /// <summary>Which form of <see cref="Answer"/>, from 1.</summary>
    public int Variant { get; init; } = 1;
}

/// <summary>Announces a changed list of tools.</summary>
public sealed record ListChange
{
    /// <summary>A tool to add before, so that the list really differs; null announces only.</summary>
    public string? Tool { get; init; }
}

/// <summary>Settings that can change while the server runs; null leaves one as it is.</summary>
public sealed record UpstreamSettings
{
    /// <summary>The revisions spoken.</summary>
    public UpstreamEra? Era { get; init; }

    /// <summary>How plain answers go out over Streamable HTTP.</summary>
    public AnswerForm? AnswerForm { get; init; }
}

/// <summary>A command of the control endpoint is wrong; the message names the field, the value and the remedy.</summary>
public sealed class ControlException(string message) : Exception(message);
