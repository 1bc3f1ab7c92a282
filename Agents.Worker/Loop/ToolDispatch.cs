using System.Diagnostics;
using System.Runtime.CompilerServices;
using Agents.Runs;
using Agents.Worker.Runs;
using Agents.Worker.Tools;

namespace Agents.Worker.Loop;

/// <summary>Runs the open tool calls of a turn, some at a time. Each is written down before it is dispatched.</summary>
internal sealed class ToolDispatch(AgentTools tools, AgentJournal journal, int parallel, TimeProvider time)
{
    /// <summary>A call that ended.</summary>
    /// <param name="Request">As the model made it.</param>
    /// <param name="Outcome">What came of it.</param>
    /// <param name="End">For the record of the run.</param>
    internal sealed record Done(ToolRequest Request, ToolOutcome Outcome, ToolCallEnd End);

    /// <summary>The calls in the order they end. When it is cancelled or fails, no call is left running behind it.</summary>
    public async IAsyncEnumerable<Done> RunAsync(IReadOnlyList<ToolRequest> requests, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var slots = new SemaphoreSlim(parallel);
        var calls = requests.Select(request => OneAsync(request, slots, stop.Token)).ToList();
        try
        {
            await foreach (var call in Task.WhenEach(calls).WithCancellation(cancellationToken).ConfigureAwait(false))
                yield return await call.ConfigureAwait(false);
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await ((Task)Task.WhenAll(calls)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<Done> OneAsync(ToolRequest request, SemaphoreSlim slots, CancellationToken cancellationToken)
    {
        await slots.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var number = await journal.CallStartsAsync(request, cancellationToken).ConfigureAwait(false);
            var started = time.GetTimestamp();
            var outcome = await CallAsync(request, cancellationToken).ConfigureAwait(false);
            var duration = time.GetElapsedTime(started);
            return new Done(request, outcome, new ToolCallEnd(number, outcome.Text, outcome.IsError, duration));
        }
        finally
        {
            slots.Release();
        }
    }

    private async Task<ToolOutcome> CallAsync(ToolRequest request, CancellationToken cancellationToken)
    {
        using var activity = WorkerTelemetry.Source.StartActivity($"{GenAi.ExecuteTool} {request.Tool}");
        activity?.SetTag(GenAi.OperationName, GenAi.ExecuteTool).SetTag(GenAi.ToolName, request.Tool)
            .SetTag(GenAi.ToolCallId, request.Id).SetTag(GenAi.ToolType, "function");
        var started = time.GetTimestamp();
        ToolOutcome? outcome = null;
        try
        {
            outcome = await tools.CallAsync(request.Tool, request.Arguments, cancellationToken).ConfigureAwait(false);
            if (outcome.IsError) activity?.SetTag(GenAi.ErrorType, "tool_error").SetStatus(ActivityStatusCode.Error);
            return outcome;
        }
        finally
        {
            var tags = new TagList { { GenAi.OperationName, GenAi.ExecuteTool }, { GenAi.ToolName, request.Tool } };
            if (outcome is not { IsError: false }) tags.Add(GenAi.ErrorType, outcome is null ? "cancelled" : "tool_error");
            WorkerTelemetry.OperationDuration.Record(time.GetElapsedTime(started).TotalSeconds, tags);
        }
    }
}
