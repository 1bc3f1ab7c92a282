namespace Agents.Runs;

/// <summary>A message that is still to be delivered.</summary>
/// <param name="Id">Names the message, the same at every attempt: <c>run.end</c> or <c>run.approval.n</c> behind the run's id.</param>
/// <param name="Attempt">How often it was taken, this time included.</param>
public sealed record WebhookDelivery(string Id, int Attempt)
{
    /// <summary>The run it is about.</summary>
    public string RunId => Id.Split('.')[0];

    /// <summary>Whether it tells of the run's end; else of an approval that is waited for.</summary>
    public bool TellsOfEnd => Id == OfEnd(RunId);

    /// <summary>The message about where a run stands; null when that is nothing that is told. A run that goes on and waits once more tells so once more.</summary>
    internal static string? Of(RunStanding run)
    {
        if (run.State.IsEnded()) return OfEnd(run.Id);
        return run.State == RunState.WaitingApproval ? FormattableString.Invariant($"{run.Id}.approval.{run.Attempt}") : null;
    }

    private static string OfEnd(string runId) => $"{runId}.end";
}

/// <summary>
/// The messages that runs with a <see cref="RunWebhook"/> owe their clients. Each is put in with the change it tells of and stays until
/// <see cref="CompleteAsync"/>, so that none is lost with a process; one may be sent twice.
/// </summary>
public interface IWebhookOutbox
{
    /// <summary>Takes the message that is due longest; whoever took it has <paramref name="hold"/> before it is due again for anybody.</summary>
    /// <returns>Null when none is due.</returns>
    Task<WebhookDelivery?> TakeAsync(TimeSpan hold, CancellationToken cancellationToken);

    /// <summary>Makes a message due again after <paramref name="pause"/>.</summary>
    Task RetryAsync(string id, TimeSpan pause, CancellationToken cancellationToken);

    /// <summary>Takes a message out: it was delivered, or given up.</summary>
    Task CompleteAsync(string id, CancellationToken cancellationToken);
}
