namespace Agents.Runs;

/// <summary>A definition that cannot be used. The message begins with <c>file:line:</c>.</summary>
public sealed class AgentDefinitionException : InvalidOperationException
{
    /// <summary>Something is wrong in a line.</summary>
    /// <param name="file">The definition, as the reader of the message knows it.</param>
    /// <param name="line">From 1.</param>
    /// <param name="reason">What is wrong, and what would be right.</param>
    public AgentDefinitionException(string file, int line, string reason)
        : base($"{file}:{line}: {reason}") => (Line, Reason) = (line, reason);

    /// <summary>Several definitions are wrong.</summary>
    public AgentDefinitionException(IReadOnlyList<string> errors)
        : base(string.Join(Environment.NewLine, errors)) => Reason = Message;

    /// <summary>Where it is, from 1; 0 where there are several places.</summary>
    public int Line { get; }

    /// <summary>What is wrong, without the place.</summary>
    public string Reason { get; }
}
