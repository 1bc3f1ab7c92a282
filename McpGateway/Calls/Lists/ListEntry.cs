using McpGateway.Protocol;

namespace McpGateway.Calls.Lists;

/// <summary>One tool, prompt, resource or template as its upstream describes it.</summary>
/// <param name="Name">By what it is told apart there: its name, URI or URI template.</param>
/// <param name="AggregateName">The same on the aggregate.</param>
/// <param name="Json">The whole description, byte for byte.</param>
/// <param name="NameRange">Where <paramref name="Name"/> stands in it, with quotes.</param>
internal sealed record ListEntry(string Name, string AggregateName, ReadOnlyMemory<byte> Json, ByteRange NameRange)
{
    /// <summary>Which URIs a template stands for; null for anything else.</summary>
    public UriTemplate? Template { get; init; }
}
