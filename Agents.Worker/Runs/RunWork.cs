using Agents.Runs;

namespace Agents.Worker.Runs;

/// <summary>A run to work on, with what its agents are told besides.</summary>
/// <param name="Run">The run.</param>
/// <param name="Earlier">The runs of its conversation that had ended when it was begun, oldest first; the same on every worker that takes it.</param>
internal sealed record RunWork(AgentRun Run, IReadOnlyList<AgentRun> Earlier)
{
    // More are read than are told: those that ended after this run began, which another attempt sees and the first did not, must not take their places.
    private const int Read = 50;
    private const int Told = 10;

    public static async Task<RunWork> LoadAsync(AgentRun run, IRunStore store, CancellationToken cancellationToken)
    {
        if (run.ConversationId is not { } conversation) return new RunWork(run, []);
        var ended = await store.ReadConversationAsync(run.Owner, conversation, Read, cancellationToken).ConfigureAwait(false);
        return new RunWork(run, [.. ended.Where(earlier => earlier.EndedAt <= run.StartedAt).TakeLast(Told)]);
    }
}
