using FaultyUpstream.Faults;

namespace FaultyUpstream;

/// <summary>How a server starts. Everything but the address can be changed later through its control.</summary>
public sealed record FaultyUpstreamOptions
{
    /// <summary>Where <c>/mcp</c>, <c>/sse</c> and <c>/control</c> are served; with standard input and output only <c>/control</c>. Port 0 takes a free one.</summary>
    public string Url { get; init; } = "http://127.0.0.1:0";

    /// <summary>The revisions spoken.</summary>
    public UpstreamEra Era { get; init; } = UpstreamEra.Legacy;

    /// <summary>How plain answers go out over Streamable HTTP.</summary>
    public AnswerForm AnswerForm { get; init; } = AnswerForm.Json;

    /// <summary>Faults that hold from the first request on.</summary>
    public IReadOnlyList<Fault> Faults { get; init; } = [];

    /// <summary>A folder for what has to outlive the process (see <see cref="Control.UpstreamRecord"/>); null for none.</summary>
    public string? RecordDirectory { get; init; }

    /// <summary>The clock of delays and of the tool <c>slow</c>.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
