namespace Agents.Runs;

/// <summary>Why an agent stopped.</summary>
public enum StopReason
{
    /// <summary>The model gave its answer.</summary>
    Finished,

    /// <summary><see cref="RunBudget.MaxToolCalls"/> was reached.</summary>
    BudgetToolCalls,

    /// <summary>The limit of one kind of tool was reached (search, qa or entity).</summary>
    BudgetTool,

    /// <summary><see cref="RunBudget.MaxInputTokens"/> or <see cref="RunBudget.MaxOutputTokens"/> was reached.</summary>
    BudgetTokens,

    /// <summary><see cref="RunBudget.TimeBudgetS"/> was reached.</summary>
    BudgetTime,

    /// <summary><see cref="RunBudget.MaxDepth"/> was reached.</summary>
    BudgetDepth,

    /// <summary>Successive turns said the same.</summary>
    Converged,

    /// <summary>The same call with the same arguments gave the same result three times.</summary>
    Loop,

    /// <summary>The run was cancelled.</summary>
    Cancelled,

    /// <summary>The agent failed; <see cref="AgentExecution.Error"/> says why.</summary>
    Error,

    /// <summary>The gateway could not be reached and the agent had nothing to answer without it.</summary>
    McpUnavailable,
}
