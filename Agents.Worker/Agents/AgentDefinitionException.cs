namespace Agents.Worker.Agents;

/// <summary>A definition that cannot be used. The message begins with <c>file:line:</c>.</summary>
internal sealed class AgentDefinitionException : InvalidOperationException
{
    public AgentDefinitionException(string file, int line, string message)
        : base($"{file}:{line}: {message}")
    {
    }

    public AgentDefinitionException(IReadOnlyList<string> errors)
        : base(string.Join(Environment.NewLine, errors))
    {
    }
}
