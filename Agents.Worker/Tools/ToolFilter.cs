using System.IO.Enumeration;
using Agents.Runs;
using Agents.Worker.Loop;

namespace Agents.Worker.Tools;

/// <summary>Which of the gateway's tools an agent may use: those its definition names, less what the run forbids.</summary>
internal sealed class ToolFilter(IReadOnlyList<string> globs, RunTools? run)
{
    public bool Permits(string tool) =>
        globs.Any(glob => FileSystemName.MatchesSimpleExpression(glob, tool, ignoreCase: false)) && RunPermits(tool);

    /// <summary>Whether the run wants somebody's consent to each call of the tool.</summary>
    public bool NeedsApproval(string tool) => run?.RequireApproval is { } names && Names(names, tool);

    private bool RunPermits(string tool) =>
        run is null || ((run.Allow is not { } allow || Names(allow, tool)) && (run.Deny is not { } deny || !Names(deny, tool)));

    // A run may name a tool as its own server does, or with the gateway's prefix; denying either denies it. Names may be globs.
    private static bool Names(IReadOnlyList<string> names, string tool)
    {
        var bare = ToolNames.Bare(tool);
        return names.Any(name => FileSystemName.MatchesSimpleExpression(name, tool, ignoreCase: false) || FileSystemName.MatchesSimpleExpression(name, bare, ignoreCase: false));
    }
}
