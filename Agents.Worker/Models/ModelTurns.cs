using System.Text;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;
using Polly;
using Polly.Retry;

namespace Agents.Worker.Models;

/// <summary>
/// Runs turns against the model. This is the one retry layer: nothing below repeats a request, so a turn costs at most
/// <see cref="ModelOptions.MaxAttempts"/> requests. A turn that broke in its middle starts again, and its listener is told.
/// </summary>
internal sealed class ModelTurns : IDisposable
{
    private static readonly ResiliencePropertyKey<ITurnListener> Listener = new("listener");

    private readonly IChatClient _client;
    private readonly SemaphoreSlim _slots;
    private readonly ResiliencePipeline<ModelTurn> _pipeline;

    public ModelTurns(IChatClient client, IOptions<ModelOptions> options, TimeProvider time)
    {
        _client = client;
        _slots = new SemaphoreSlim(options.Value.MaxConcurrency);
        _pipeline = Pipeline(options.Value, time);
    }

    /// <exception cref="ModelException">The model cannot be reached or refuses, after all attempts.</exception>
    public async Task<ModelTurn> RunAsync(
        IReadOnlyList<ChatMessage> messages, ChatOptions options, ITurnListener listener, CancellationToken cancellationToken)
    {
        var context = ResilienceContextPool.Shared.Get(cancellationToken);
        context.Properties.Set(Listener, listener);
        try
        {
            return await _pipeline.ExecuteAsync(
                static (context, state) => state.Self.OnceAsync(state.messages, state.options, state.listener, context.CancellationToken),
                context,
                (Self: this, messages, options, listener)).ConfigureAwait(false);
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    public void Dispose() => _slots.Dispose();

    private async ValueTask<ModelTurn> OnceAsync(IReadOnlyList<ChatMessage> messages, ChatOptions options, ITurnListener listener, CancellationToken cancellationToken)
    {
        await _slots.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var text = new StringBuilder();
            var calls = new List<FunctionCallContent>();
            UsageDetails? usage = null;
            ChatFinishReason? finish = null;
            await foreach (var update in _client.GetStreamingResponseAsync(messages, options, cancellationToken).ConfigureAwait(false))
            {
                finish = update.FinishReason ?? finish;
                calls.AddRange(update.Contents.OfType<FunctionCallContent>());
                foreach (var reported in update.Contents.OfType<UsageContent>()) (usage ??= new UsageDetails()).Add(reported.Details);
                if (update.Text is not { Length: > 0 } delta) continue;
                text.Append(delta);
                await listener.TextAsync(delta, cancellationToken).ConfigureAwait(false);
            }

            return new ModelTurn(text.ToString(), calls, usage, (finish ?? ChatFinishReason.Stop).Value);
        }
        finally
        {
            _slots.Release();
        }
    }

    private static ResiliencePipeline<ModelTurn> Pipeline(ModelOptions options, TimeProvider time)
    {
        var builder = new ResiliencePipelineBuilder<ModelTurn> { TimeProvider = time };
        if (options.MaxAttempts == 1) return builder.Build();
        return builder.AddRetry(new RetryStrategyOptions<ModelTurn>
        {
            MaxRetryAttempts = options.MaxAttempts - 1,
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true,
            Delay = options.RetryDelay,
            MaxDelay = options.MaxRetryDelay,
            ShouldHandle = outcome => ValueTask.FromResult(
                outcome.Outcome.Exception is ModelException { IsTransient: true } error && !(error.RetryAfter > options.MaxRetryDelay)),
            DelayGenerator = retry => ValueTask.FromResult((retry.Outcome.Exception as ModelException)?.RetryAfter),
            OnRetry = static retry => retry.Context.Properties.GetValue(Listener, null!)
                .ResetAsync(retry.Outcome.Exception!.Message, retry.Context.CancellationToken),
        }).Build();
    }
}
