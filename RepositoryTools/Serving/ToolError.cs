namespace RepositoryTools.Serving;

/// <summary>What a tool could not do. The message goes to the model as it is: it names the argument, the value and the remedy.</summary>
internal sealed class ToolError(string message) : Exception(message);
