using System.Text.Json;
using System.Text.Json.Nodes;
using Agents.Runs;
using Agents.Worker.Models;
using Agents.Worker.Runs;
using Agents.Worker.Tools;
using Microsoft.Extensions.AI;

namespace Agents.Worker.Loop;

/// <summary>
/// The one loop every agent runs in: the model speaks, its tool calls are made, it hears the results, until it answers or something stops it.
/// </summary>
/// <remarks>
/// One task owns the progress. Parallel calls hand their results over one by one; each is checkpointed before the next is looked at, so that
/// whoever goes on from the checkpoint makes no finished call again.
/// </remarks>
internal sealed class AgentLoop
{
    private const string NoTools = "Your tools cannot be reached now. Say so at the beginning of your answer, and answer only what can be answered without them.";

    private readonly AgentTask _task;
    private readonly ModelTurns _turns;
    private readonly AgentTools _tools;
    private readonly AgentJournal _journal;
    private readonly LoopOptions _options;
    private readonly TimeProvider _time;
    private readonly AgentProgress _progress;
    private readonly ToolBudget _budget;
    private readonly ConvergenceDetector _convergence;
    private readonly LoopGuard _guard = new();
    private readonly ApprovalGate _gate;
    private readonly long _started;
    private readonly double _secondsBefore;

    public AgentLoop(AgentTask task, ModelTurns turns, AgentTools tools, AgentJournal journal, LoopOptions options, TimeProvider time)
    {
        (_task, _turns, _tools, _journal, _options, _time) = (task, turns, tools, journal, options, time);
        _progress = task.Progress;
        _budget = new ToolBudget(task.Agent.Budget.Under(task.Run.Budget), _progress.Budget);
        _convergence = new ConvergenceDetector(options.ConvergenceWindow, options.ConvergenceThreshold);
        _gate = new ApprovalGate(task, journal);
        _started = time.GetTimestamp();
        _secondsBefore = _progress.Seconds;
        foreach (var turn in _progress.Turns) _convergence.Add(turn.Text);
        foreach (var call in _progress.Calls.Where(call => call.Result is not null)) Guard(call);
    }

    private TimeSpan Elapsed => TimeSpan.FromSeconds(_secondsBefore) + _time.GetElapsedTime(_started);

    /// <summary>Runs the agent to its end.</summary>
    /// <param name="draining">Once cancelled, the loop stops after what it is doing now.</param>
    /// <param name="cancellationToken">Stops model and tool calls at once.</param>
    /// <returns>
    /// Null when it stopped because of <paramref name="draining"/>, or because all that is left to do waits for consent: another worker goes on from
    /// the checkpoint.
    /// </returns>
    /// <exception cref="ModelException">The model gave no answer.</exception>
    public async Task<LoopEnd?> RunAsync(CancellationToken draining, CancellationToken cancellationToken)
    {
        var left = _budget.Time - Elapsed;
        using var deadline = new CancellationTokenSource(left > TimeSpan.Zero ? left : TimeSpan.Zero, _time);
        using var working = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            await ContinueAsync(working.Token).ConfigureAwait(false);
            if (_progress.Answer is { } given) return await CheckedAsync(Ended(given), working.Token, cancellationToken).ConfigureAwait(false);
            while (true)
            {
                if (draining.IsCancellationRequested) return null;
                await ConnectAsync(working.Token).ConfigureAwait(false);
                if (_progress.Open.Count > 0)
                {
                    if (!await DispatchAsync(working.Token).ConfigureAwait(false)) return null;
                }
                else if (WhyStop() is { } reason)
                    return await LastAnswerAsync(reason, cancellationToken).ConfigureAwait(false);
                else if (await TurnAsync(working.Token).ConfigureAwait(false) is { } answer)
                    return await CheckedAsync(answer, working.Token, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return await OutOfTimeAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Takes up what another worker left.</summary>
    private async Task ContinueAsync(CancellationToken cancellationToken)
    {
        if (!_task.IsContinued || _progress.Answer is not null) return;
        if (_progress.Open.Count == 0)
        {
            await _journal.AnnounceResetAsync("another worker goes on with this agent", cancellationToken).ConfigureAwait(false);
            return;
        }

        await ConnectAsync(cancellationToken).ConfigureAwait(false);
        await LostCalls.EndAsync(_task, _tools, _journal, cancellationToken).ConfigureAwait(false);
    }

    private async Task ConnectAsync(CancellationToken cancellationToken)
    {
        await _tools.ConnectAsync(cancellationToken).ConfigureAwait(false);
        if (_tools.Unavailable is { } reason) _progress.DegradedReason ??= $"The tool gateway is unavailable: {reason}";
    }

    private StopReason? WhyStop()
    {
        if (_budget.Spent(Elapsed) is { } spent) return spent;
        if (_guard.IsLooping) return StopReason.Loop;
        if (_convergence.HasConverged) return StopReason.Converged;
        var last = _progress.Turns.LastOrDefault()?.Calls ?? [];
        if (last.Select(call => call.Limit).FirstOrDefault(limit => limit is StopReason.BudgetToolCalls or StopReason.BudgetDepth) is { } limit) return limit;
        return last.Count > 0 && last.All(call => call.Limit is StopReason.BudgetTool) ? StopReason.BudgetTool : null;
    }

    /// <summary>One turn; the end when it was the answer.</summary>
    private async Task<LoopEnd?> TurnAsync(CancellationToken cancellationToken)
    {
        var helpless = _tools.Available.Count == 0 && _task.Agent.Tools.Count > 0;
        var turn = await SpeakAsync(helpless ? Asking(NoTools) : Transcript.Of(_task.Opening, _progress), withTools: true, cancellationToken).ConfigureAwait(false);
        if (turn.Calls.Count == 0) return await AnsweredAsync(StopReason.Finished, turn, cancellationToken).ConfigureAwait(false);

        var calls = ToolRequests.Of(turn, _tools, _budget);
        _progress.Turns.Add(new AgentProgress.Turn { Text = turn.Text, Calls = calls });
        _gate.Mark(calls, _progress.Turns.Count);
        _convergence.Add(turn.Text);
        foreach (var refused in calls.Where(call => call.Result is not null)) Guard(refused);
        Notice();
        await SaveTurnAsync(cancellationToken).ConfigureAwait(false);
        return null;
    }

    /// <returns>False when every open call waits for consent.</returns>
    private async Task<bool> DispatchAsync(CancellationToken cancellationToken)
    {
        var open = _progress.Open;
        var admitted = await _gate.AdmitAsync(open, cancellationToken).ConfigureAwait(false);
        foreach (var denied in open.Where(call => call.Result is not null)) Guard(denied);
        if (admitted.Count == 0 && _progress.Open.Count > 0) return false;

        var dispatch = new ToolDispatch(_tools, _journal, _options.ParallelToolCalls, _time);
        await foreach (var done in dispatch.RunAsync(admitted, cancellationToken).ConfigureAwait(false))
        {
            done.Request.Result = ResultCap.Apply(done.Outcome.Text, _task.MaxResultBytes);
            done.Request.Structured = done.Outcome.Structured;
            done.Request.IsError = done.Outcome.IsError;
            Guard(done.Request);
            Count();
            await _journal.CallEndedAsync(done.End, _progress, cancellationToken).ConfigureAwait(false);
        }

        if (_tools.Unavailable is { } lost) _progress.DegradedReason = $"The tool gateway was lost: {lost}";
        Notice();
        return true;
    }

    /// <summary>The last call, without tools: the best answer so far.</summary>
    private async Task<LoopEnd> LastAnswerAsync(StopReason reason, CancellationToken cancellationToken)
    {
        using var grace = new CancellationTokenSource(_options.LastAnswerTime, _time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, grace.Token);
        try
        {
            var asking = Asking($"Stop here ({RunsJson.Word(reason)}). You have no more tools. Give your best answer from what you have.");
            var turn = await SpeakAsync(asking, withTools: false, linked.Token).ConfigureAwait(false);
            return await AnsweredAsync(reason, turn, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (error is ModelException || (error is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return BestSoFar(reason);
        }
    }

    private LoopEnd BestSoFar(StopReason reason)
    {
        var best = _progress.Turns.LastOrDefault(turn => !string.IsNullOrWhiteSpace(turn.Text))?.Text;
        return new LoopEnd(reason, best, null) { Note = "The model gave no last answer; this is the last text it wrote." };
    }

    private async Task<LoopEnd> OutOfTimeAsync(CancellationToken cancellationToken)
    {
        foreach (var open in _progress.Open)
        {
            open.Result = "Stopped: the time budget is used up. Whether the call did its work is unknown.";
            open.IsError = true;
        }

        await _journal.ResetAsync("the time budget is used up", cancellationToken).ConfigureAwait(false);
        return await LastAnswerAsync(StopReason.BudgetTime, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The answer with its result block in order. One more turn is spent on a wrong block; one that stays wrong leaves the text, and a note.</summary>
    private async Task<LoopEnd> CheckedAsync(LoopEnd end, CancellationToken working, CancellationToken cancellationToken)
    {
        if (end.Answer is null || AgentAnswer.Read(end.Answer, _task.Agent.Output).Problem is not { } problem) return end;
        try
        {
            var repaired = await RepairAsync(end.Answer, problem, working).ConfigureAwait(false);
            return AgentAnswer.Read(repaired, _task.Agent.Output).Problem is null ? end with { Answer = repaired } : end;
        }
        catch (Exception error) when (error is ModelException || (error is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return end;
        }
    }

    private async Task<string> RepairAsync(string answer, string problem, CancellationToken cancellationToken)
    {
        IReadOnlyList<ChatMessage> asking =
        [
            .. Transcript.Of(_task.Opening, _progress),
            new(ChatRole.Assistant, answer),
            new(ChatRole.User, $"In your answer {problem}. Reply with the corrected {ResultBlock.Fence} block only."),
        ];
        var turn = await SpeakAsync(asking, withTools: false, cancellationToken).ConfigureAwait(false);
        await SaveTurnAsync(cancellationToken).ConfigureAwait(false);
        return $"{ResultBlock.Split(answer).Content}\n\n{turn.Text[Math.Max(0, ResultBlock.Find(turn.Text))..]}";
    }

    private async Task<ModelTurn> SpeakAsync(IReadOnlyList<ChatMessage> messages, bool withTools, CancellationToken cancellationToken)
    {
        _journal.TurnStarts();
        var turn = await _turns.RunAsync(messages, Options(withTools), _journal, cancellationToken).ConfigureAwait(false);
        Count(turn, messages);
        return turn;
    }

    private IReadOnlyList<ChatMessage> Asking(string demand) => [.. Transcript.Of(_task.Opening, _progress), new(ChatRole.User, demand)];

    // The tools stay listed where none may be called: a conversation that holds calls is not understood without them by every server.
    private ChatOptions Options(bool withTools) => new()
    {
        Tools = [.. _tools.Available],
        ToolMode = withTools ? null : ChatToolMode.None,
        AdditionalProperties = _task.Hints,
    };

    /// <summary>The answer, in the checkpoint before anything else is done with it: whoever goes on does not ask for it again.</summary>
    private async Task<LoopEnd> AnsweredAsync(StopReason reason, ModelTurn turn, CancellationToken cancellationToken)
    {
        _progress.Answer = new AgentProgress.Final(reason, string.IsNullOrWhiteSpace(turn.Text) ? null : turn.Text, turn.FinishReason);
        await SaveTurnAsync(cancellationToken).ConfigureAwait(false);
        return Ended(_progress.Answer);
    }

    // An agent that was stopped and then found no words keeps what it said before; one that finished by itself has said nothing.
    private LoopEnd Ended(AgentProgress.Final answer) => answer is { Text: null, Reason: not StopReason.Finished }
        ? BestSoFar(answer.Reason)
        : new LoopEnd(answer.Reason, answer.Text, answer.FinishReason);

    private void Count(ModelTurn turn, IReadOnlyList<ChatMessage> messages)
    {
        var usage = turn.Usage;
        _progress.InputTokens += usage?.InputTokenCount;
        _progress.OutputTokens += usage?.OutputTokenCount;
        // The budget must hold where nothing is reported too: four characters are about a token. The estimate is never reported as usage.
        _budget.AddTokens(
            usage?.InputTokenCount ?? messages.Sum(message => message.Contents.Sum(Length)) / 4,
            usage?.OutputTokenCount ?? (turn.Text.Length / 4));
    }

    private static long Length(AIContent content) => content switch
    {
        TextContent text => text.Text.Length,
        FunctionResultContent { Result: string result } => result.Length,
        _ => 0,
    };

    private void Count()
    {
        _progress.Budget = _budget.Use;
        _progress.Seconds = Elapsed.TotalSeconds;
    }

    private void Notice()
    {
        if (_progress.Open.Count == 0 && _progress.Turns is [.., { Notice: null } last] && _budget.TakeNotice(Elapsed) is { } notice) last.Notice = notice;
    }

    private Task SaveTurnAsync(CancellationToken cancellationToken)
    {
        Count();
        return _journal.TurnEndedAsync(_progress, _task.Usage, cancellationToken);
    }

    private void Guard(ToolRequest call) =>
        _guard.Add(call.Tool, JsonSerializer.Deserialize<JsonNode>(call.Arguments) as JsonObject, call.Result!);
}
