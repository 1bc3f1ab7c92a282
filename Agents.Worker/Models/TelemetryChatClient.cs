using System.Diagnostics;
using System.Runtime.CompilerServices;
using Agents.Worker.Loop;
using Microsoft.Extensions.AI;

namespace Agents.Worker.Models;

/// <summary>One <c>chat</c> span and its metrics per model request, so that a repeated request shows as a second span.</summary>
internal sealed class TelemetryChatClient : DelegatingChatClient
{
    private readonly TimeProvider _time;
    private readonly string _provider;
    private readonly string _model;
    private readonly Uri? _server;

    public TelemetryChatClient(IChatClient inner, string model, TimeProvider time)
        : base(inner)
    {
        var metadata = inner.GetService<ChatClientMetadata>();
        (_time, _model, _provider, _server) = (time, model, metadata?.ProviderName ?? "unknown", metadata?.ProviderUri);
    }

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var activity = Start();
        var started = _time.GetTimestamp();
        var first = true;
        Exception? failure = null;
        await using var updates = base.GetStreamingResponseAsync(messages, options, cancellationToken).GetAsyncEnumerator(cancellationToken);
        try
        {
            while (true)
            {
                try
                {
                    if (!await updates.MoveNextAsync().ConfigureAwait(false)) break;
                }
                catch (Exception error)
                {
                    failure = error;
                    throw;
                }

                if (first) First(activity, started);
                first = false;
                Describe(activity, updates.Current);
                yield return updates.Current;
            }
        }
        finally
        {
            End(activity, started, failure);
        }
    }

    private Activity? Start()
    {
        var activity = WorkerTelemetry.Source.StartActivity($"{GenAi.Chat} {_model}", ActivityKind.Client);
        activity?.SetTag(GenAi.OperationName, GenAi.Chat).SetTag(GenAi.ProviderName, _provider)
            .SetTag(GenAi.RequestModel, _model).SetTag(GenAi.RequestStream, true);
        if (_server is not null) activity?.SetTag(GenAi.ServerAddress, _server.Host).SetTag(GenAi.ServerPort, _server.Port);
        return activity;
    }

    private void First(Activity? activity, long started)
    {
        var seconds = _time.GetElapsedTime(started).TotalSeconds;
        activity?.SetTag(GenAi.TimeToFirstChunk, seconds);
        WorkerTelemetry.TimeToFirstChunk.Record(seconds, Tags());
    }

    private void Describe(Activity? activity, ChatResponseUpdate update)
    {
        if (update.ResponseId is { } id) activity?.SetTag(GenAi.ResponseId, id);
        if (update.ModelId is { } model) activity?.SetTag(GenAi.ResponseModel, model);
        if (update.FinishReason is { } reason) activity?.SetTag(GenAi.FinishReasons, new[] { reason.Value });
        foreach (var usage in update.Contents.OfType<UsageContent>()) Record(activity, usage.Details);
    }

    private void Record(Activity? activity, UsageDetails usage)
    {
        Count(GenAi.InputTokens, "input", usage.InputTokenCount);
        Count(GenAi.OutputTokens, "output", usage.OutputTokenCount);
        if (usage.CachedInputTokenCount is { } cached) activity?.SetTag(GenAi.CacheReadInputTokens, cached);
        if (usage.ReasoningTokenCount is { } reasoning) activity?.SetTag(GenAi.ReasoningOutputTokens, reasoning);

        void Count(string tag, string type, long? tokens)
        {
            if (tokens is not { } value) return;
            activity?.SetTag(tag, value);
            var tags = Tags();
            tags.Add(GenAi.TokenType, type);
            WorkerTelemetry.TokenUsage.Record(value, tags);
        }
    }

    private void End(Activity? activity, long started, Exception? failure)
    {
        var tags = Tags();
        if (failure is not null)
        {
            activity.Fail(failure);
            tags.Add(GenAi.ErrorType, (failure as ModelException)?.Failure.ToString() ?? failure.GetType().Name);
        }

        WorkerTelemetry.OperationDuration.Record(_time.GetElapsedTime(started).TotalSeconds, tags);
    }

    private TagList Tags() => new()
    {
        { GenAi.OperationName, GenAi.Chat },
        { GenAi.ProviderName, _provider },
        { GenAi.RequestModel, _model },
    };
}
