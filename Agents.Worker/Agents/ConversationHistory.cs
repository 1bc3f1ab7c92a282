using Agents.Runs;
using Microsoft.Extensions.AI;

namespace Agents.Worker.Agents;

/// <summary>The earlier runs of a conversation as the messages an agent reads: each question, and what was answered.</summary>
internal static class ConversationHistory
{
    /// <summary>Characters of one answer; about a thousand tokens.</summary>
    public const int MaxAnswerChars = 4_000;

    /// <summary>Characters of all of it; the oldest runs are left out first.</summary>
    public const int MaxChars = 24_000;

    public static IReadOnlyList<ChatMessage> Of(string agent, IReadOnlyList<AgentRun> earlier)
    {
        var turns = new LinkedList<(string Question, string Answer)>();
        var left = MaxChars;
        foreach (var run in earlier.Reverse())
        {
            if (Answer(agent, run) is not { } answer) continue;
            var question = Cut(run.Query);
            left -= question.Length + answer.Length;
            if (left < 0) break;
            turns.AddFirst((question, answer));
        }

        return [.. turns.SelectMany(turn => new ChatMessage[] { new(ChatRole.User, turn.Question), new(ChatRole.Assistant, turn.Answer) })];
    }

    /// <summary>The agent's own answer, or where it was not asked those of the others; null when nobody answered.</summary>
    private static string? Answer(string agent, AgentRun run)
    {
        var answers = run.Agents.Select(execution => execution.Result).OfType<AgentResult>().ToList();
        if (answers.Find(result => result.AgentType == agent) is { } own) return Cut(own.Content);
        return answers.Count == 0 ? null : Cut(string.Join("\n\n", answers.Select(result => $"{result.AgentType} answered:\n{result.Content}")));
    }

    private static string Cut(string text) => text.Length <= MaxAnswerChars ? text : $"{text[..MaxAnswerChars]}\n[shortened]";
}
