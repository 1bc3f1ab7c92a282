using System.Globalization;
using Agents.Runs;

namespace Agents.Worker.Loop;

/// <summary>
/// The one place where an agent's budget is counted. A call is counted before it is dispatched, so a limit of N allows exactly N.
/// Owned by the agent's loop, which never uses it from two threads.
/// </summary>
internal sealed class ToolBudget(RunBudget limits, BudgetUse? used = null)
{
    private const double NoticeAt = 0.7;

    /// <summary>What is used so far.</summary>
    public BudgetUse Use { get; private set; } = used ?? new BudgetUse();

    /// <summary>How long the agent may take.</summary>
    public TimeSpan Time => TimeSpan.FromSeconds(limits.TimeBudgetS);

    /// <summary>Begins a turn with tool calls: null, or why there may be none.</summary>
    public StopReason? TryDeepen()
    {
        if (Use.Depth >= limits.MaxDepth) return StopReason.BudgetDepth;
        Use = Use with { Depth = Use.Depth + 1 };
        return null;
    }

    /// <summary>Counts one call: null, or why it may not be dispatched.</summary>
    public StopReason? TryTake(string tool)
    {
        if (Use.ToolCalls >= limits.MaxToolCalls) return StopReason.BudgetToolCalls;
        var kind = ToolNames.Kind(tool);
        if (Used(kind) >= Limit(kind)) return StopReason.BudgetTool;
        Use = Count(kind) with { ToolCalls = Use.ToolCalls + 1 };
        return null;
    }

    /// <summary>Counts the tokens of a turn.</summary>
    public void AddTokens(long input, long output) =>
        Use = Use with { InputTokens = Use.InputTokens + input, OutputTokens = Use.OutputTokens + output };

    /// <summary>Why there may be no further turn, or null.</summary>
    public StopReason? Spent(TimeSpan elapsed)
    {
        if (elapsed >= Time) return StopReason.BudgetTime;
        return Use.InputTokens >= limits.MaxInputTokens || Use.OutputTokens >= limits.MaxOutputTokens ? StopReason.BudgetTokens : null;
    }

    /// <summary>What the model should be told once 70 % of any limit of the whole agent are used; null before and ever after.</summary>
    public string? TakeNotice(TimeSpan elapsed)
    {
        if (Use.Noticed) return null;
        (string What, double Used, double Limit)[] parts =
        [
            ("tool calls", Use.ToolCalls, limits.MaxToolCalls),
            ("rounds of tool calls", Use.Depth, limits.MaxDepth),
            ("input tokens", Use.InputTokens, limits.MaxInputTokens),
            ("output tokens", Use.OutputTokens, limits.MaxOutputTokens),
            ("seconds", Math.Floor(elapsed.TotalSeconds), limits.TimeBudgetS),
        ];
        var near = parts.Where(p => p.Used >= NoticeAt * p.Limit).ToList();
        if (near.Count == 0) return null;
        Use = Use with { Noticed = true };
        var list = string.Join(", ", near.Select(p => string.Create(CultureInfo.InvariantCulture, $"{p.Used} of {p.Limit} {p.What}")));
        return $"Budget: {list} are used. Make only the calls you still need, then give your answer.";
    }

    private int Used(ToolKind kind) => kind switch
    {
        ToolKind.Search => Use.SearchCalls,
        ToolKind.Qa => Use.QaCalls,
        ToolKind.Entity => Use.EntityCalls,
        _ => 0,
    };

    private int Limit(ToolKind kind) => kind switch
    {
        ToolKind.Search => limits.MaxSearchCalls,
        ToolKind.Qa => limits.MaxQaCalls,
        ToolKind.Entity => limits.MaxEntityCalls,
        _ => int.MaxValue,
    };

    private BudgetUse Count(ToolKind kind) => kind switch
    {
        ToolKind.Search => Use with { SearchCalls = Use.SearchCalls + 1 },
        ToolKind.Qa => Use with { QaCalls = Use.QaCalls + 1 },
        ToolKind.Entity => Use with { EntityCalls = Use.EntityCalls + 1 },
        _ => Use,
    };
}
