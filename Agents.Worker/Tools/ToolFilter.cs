using System.IO.Enumeration;
using Agents.Runs;
using Agents.Worker.Loop;

namespace Agents.Worker.Tools;

/// <summary>Which of the gateway's tools an agent may use: those its definition names, less what the run forbids.</summary>
internal sealed class ToolFilter(IReadOnlyList<string> globs, RunTools? run)
{
    public bool Permits(string tool) =>
        globs.Any(glob => FileSystemName.MatchesSimpleExpression(glob, tool, ignoreCase: false)) && RunPermits(tool);

    // A run may name a tool as its own server does, or with the gateway's prefix; denying either denies it.
    private bool RunPermits(string tool)
    {
        if (run is null) return true;
        var bare = ToolNames.Bare(tool);
        var denied = run.Deny is { } deny && (deny.Contains(tool) || deny.Contains(bare));
        var allowed = run.Allow is not { } allow || allow.Contains(tool) || allow.Contains(bare);
        return allowed && !denied;
    }
}
