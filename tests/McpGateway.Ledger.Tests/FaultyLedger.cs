using McpGateway.Sessions.Ledger;

namespace McpGateway.Ledger.Tests;

/// <summary>A real ledger whose store can be lost: before it is reached, or after it has done what it was asked.</summary>
internal sealed class FaultyLedger(ISessionLedger ledger) : ISessionLedger
{
    private int _asked;

    public bool Fails { get; set; }

    public bool FailsAfterwards { get; set; }

    /// <summary>Comes between what a claimer has listed and its claim.</summary>
    public Func<Task>? BeforeClaim { get; set; }

    public int Asked => _asked;

    public Task RecordAsync(LedgerEntry entry, CancellationToken cancellationToken) => AskAsync(async () =>
    {
        await ledger.RecordAsync(entry, cancellationToken);
        return true;
    });

    public Task<bool> RewriteAsync(LedgerEntry entry, CancellationToken cancellationToken) => AskAsync(() => ledger.RewriteAsync(entry, cancellationToken));

    public Task<bool> ForgetAsync(LedgerEntry entry, CancellationToken cancellationToken) => AskAsync(() => ledger.ForgetAsync(entry, cancellationToken));

    public Task<IReadOnlyDictionary<string, LedgerLoss>> RenewAsync(string owner, IReadOnlyCollection<LedgerEntry> entries, CancellationToken cancellationToken) =>
        AskAsync(() => ledger.RenewAsync(owner, entries, cancellationToken));

    public Task LeaveAsync(string owner, CancellationToken cancellationToken) => AskAsync(async () =>
    {
        await ledger.LeaveAsync(owner, cancellationToken);
        return true;
    });

    public Task<IReadOnlyList<LedgerEntry>> ListClaimableAsync(string? upstream, CancellationToken cancellationToken) => AskAsync(() => ledger.ListClaimableAsync(upstream, cancellationToken));

    public Task<LedgerEntry?> ClaimAsync(LedgerEntry entry, string claimer, CancellationToken cancellationToken) => AskAsync(async () =>
    {
        if (BeforeClaim is { } before) await before();
        return await ledger.ClaimAsync(entry, claimer, cancellationToken);
    });

    private async Task<T> AskAsync<T>(Func<Task<T>> work)
    {
        Interlocked.Increment(ref _asked);
        if (Fails) throw new LedgerUnavailableException("The test says so.");
        var answer = await work();
        return FailsAfterwards ? throw new LedgerUnavailableException("The test says so.") : answer;
    }
}
