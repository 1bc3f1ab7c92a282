using System.Text;
using System.Text.Json;
using Agents.Runs;
using Agents.Worker.Loop;
using Agents.Worker.Models;

namespace Agents.Worker.Runs;

/// <summary>All that one agent writes about itself: text as it comes, tool calls, checkpoints. Every write is fenced by the lease.</summary>
/// <remarks>
/// Text is gathered and written at most every <see cref="TextInterval"/> by a pump of the journal's own; whatever else is written takes the
/// gathered text along first, so readers see things in the order they happened. <c>_standing</c> belongs to the agent's loop. <c>_writing</c> makes the writes of text one by one; <c>_text</c>
/// and what is known of the turn are guarded by <c>_gate</c>. A write that fails in the pump is thrown at the next call.
/// </remarks>
internal sealed class AgentJournal : ITurnListener, IAsyncDisposable
{
    private static readonly TimeSpan TextInterval = TimeSpan.FromMilliseconds(50);

    private readonly IRunStore _store;
    private readonly IRunEvents _events;
    private readonly LeaseKeeper _keeper;
    private readonly string _agent;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly StringBuilder _text = new();
    private readonly ResultBlockFilter _filter = new();
    private readonly SemaphoreSlim _writing = new(1);
    private readonly SemaphoreSlim _fresh = new(0);
    private readonly CancellationTokenSource _closed = new();
    private readonly Task _pump;
    private bool _spokeBefore;
    private bool _speaks;
    private bool _heard;
    private AgentExecution? _standing;

    /// <param name="store">Where the run is.</param>
    /// <param name="events">What readers see.</param>
    /// <param name="keeper">The lease every write is fenced by.</param>
    /// <param name="agent">Whose journal it is.</param>
    /// <param name="spokeBefore">Whether readers have text of an earlier turn already, whichever worker wrote it.</param>
    /// <param name="time">The clock of the pump.</param>
    public AgentJournal(IRunStore store, IRunEvents events, LeaseKeeper keeper, string agent, bool spokeBefore, TimeProvider time)
    {
        (_store, _events, _keeper, _agent, _spokeBefore, _time) = (store, events, keeper, agent, spokeBefore, time);
        _pump = PumpAsync();
    }

    public async ValueTask TextAsync(string text, CancellationToken cancellationToken)
    {
        await ThrowIfPumpFailedAsync().ConfigureAwait(false);
        Gather(_filter.Add(text));
    }

    public async ValueTask ResetAsync(string reason, CancellationToken cancellationToken)
    {
        bool heard;
        await _writing.WaitAsync(cancellationToken).ConfigureAwait(false);
        lock (_gate)
        {
            heard = _heard;
            ForgetTurn();
        }

        _writing.Release();
        if (heard) await AnnounceResetAsync(reason, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Writes that the turn starts again, whoever began it.</summary>
    public async Task AnnounceResetAsync(string reason, CancellationToken cancellationToken) =>
        await _events.AppendAsync(Lease, [RunEventDraft.Of(RunEventTypes.TurnReset, _agent, new { reason })], cancellationToken).ConfigureAwait(false);

    /// <summary>Writes that the agent works, or how it ended.</summary>
    public Task StateAsync(AgentExecution agent, CancellationToken cancellationToken)
    {
        _standing = agent;
        return SaveAsync(new RunChange { Agent = agent }, cancellationToken);
    }

    /// <summary>Call before each turn.</summary>
    /// <exception cref="LeaseLostException">Do not ask the model.</exception>
    public void TurnStarts() => _keeper.ThrowIfOver();

    /// <summary>Writes a finished turn: what it cost, and the checkpoint.</summary>
    public async Task TurnEndedAsync(AgentProgress progress, RunUsage usage, CancellationToken cancellationToken)
    {
        Gather(_filter.End());
        // With its standing: what an agent consumed is known too when its run is cancelled, or fails with its workers.
        _standing = _standing! with { Usage = usage };
        var change = new RunChange { Agent = _standing, Checkpoint = Checkpoint(progress), Events = [RunEventDraft.Of(RunEventTypes.Usage, _agent, usage)] };
        await SaveAsync(change, cancellationToken).ConfigureAwait(false);
        lock (_gate)
        {
            _spokeBefore |= _speaks;
            ForgetTurn();
        }
    }

    /// <summary>Writes that a call is about to be dispatched.</summary>
    /// <exception cref="LeaseLostException">Do not dispatch.</exception>
    public async Task<int> CallStartsAsync(ToolRequest request, CancellationToken cancellationToken)
    {
        await FlushAsync(cancellationToken).ConfigureAwait(false);
        var number = await _store.BeginToolCallAsync(Lease, new ToolCallStart(_agent, request.Tool, request.Arguments), cancellationToken).ConfigureAwait(false);
        // A worker that was paused here finds its lease over; for whoever goes on the call may have been under way.
        _keeper.ThrowIfOver();
        return number;
    }

    /// <summary>Writes that calls wait for consent, where that was not written yet.</summary>
    /// <returns>All such requests of the run.</returns>
    public async Task<IReadOnlyList<RunApproval>> RequestApprovalsAsync(IReadOnlyList<ToolRequest> calls, CancellationToken cancellationToken)
    {
        await FlushAsync(cancellationToken).ConfigureAwait(false);
        return await _store.RequestApprovalsAsync(
            Lease, [.. calls.Select(call => new ApprovalRequest(call.ApprovalId!, _agent, call.Tool, call.Arguments))], cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Writes the end of calls that the worker before was lost in.</summary>
    public Task CallsLostAsync(IReadOnlyList<ToolCallEnd> ends, AgentProgress progress, CancellationToken cancellationToken) =>
        SaveAsync(new RunChange { ToolCalls = ends, Checkpoint = Checkpoint(progress) }, cancellationToken);

    /// <summary>Writes a call's end together with the checkpoint that knows it: after this the call is never made again.</summary>
    public Task CallEndedAsync(ToolCallEnd end, AgentProgress progress, CancellationToken cancellationToken) =>
        SaveAsync(new RunChange { ToolCalls = [end], Checkpoint = Checkpoint(progress) }, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _closed.CancelAsync().ConfigureAwait(false);
        await _pump.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _closed.Dispose();
        _writing.Dispose();
        _fresh.Dispose();
    }

    private RunLease Lease => _keeper.Lease;

    private AgentCheckpoint Checkpoint(AgentProgress progress) => new(_agent, JsonSerializer.SerializeToElement(progress, RunsJson.Options));

    private async Task SaveAsync(RunChange change, CancellationToken cancellationToken)
    {
        await FlushAsync(cancellationToken).ConfigureAwait(false);
        await _store.SaveAsync(Lease, change, cancellationToken).ConfigureAwait(false);
    }

    private void ForgetTurn()
    {
        _filter.Reset();
        _text.Clear();
        (_speaks, _heard) = (false, false);
    }

    private void Gather(string text)
    {
        if (text.Length == 0) return;
        lock (_gate)
        {
            // Another turn's text is another paragraph.
            if (_spokeBefore && !_speaks) _text.Append("\n\n");
            _speaks = true;
            _text.Append(text);
        }

        if (_fresh.CurrentCount == 0) _fresh.Release();
    }

    private async Task FlushAsync(CancellationToken cancellationToken)
    {
        await ThrowIfPumpFailedAsync().ConfigureAwait(false);
        await _writing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            string text;
            lock (_gate)
            {
                text = _text.ToString();
                _text.Clear();
                _heard |= text.Length > 0;
            }

            if (text.Length == 0) return;
            await _events.AppendAsync(Lease, [RunEventDraft.Of(RunEventTypes.TextDelta, _agent, new { text })], cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _writing.Release();
        }
    }

    private async Task PumpAsync()
    {
        while (true)
        {
            await _fresh.WaitAsync(_closed.Token).ConfigureAwait(false);
            await FlushAsync(_closed.Token).ConfigureAwait(false);
            await Task.Delay(TextInterval, _time, _closed.Token).ConfigureAwait(false);
        }
    }

    private Task ThrowIfPumpFailedAsync() => _pump is { IsFaulted: true } ? _pump : Task.CompletedTask;
}
