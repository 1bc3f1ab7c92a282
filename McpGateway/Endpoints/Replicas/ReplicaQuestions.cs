using System.Collections.Concurrent;

namespace McpGateway.Endpoints.Replicas;

/// <summary>Questions to other gateways that wait for their replies.</summary>
internal sealed class ReplicaQuestions(IReplicas replicas, TimeProvider time)
{
    /// <summary>A living gateway replies within milliseconds, one that has just died counts as dead after its owner's time.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<string, TaskCompletionSource<int>> _waiting = new(StringComparer.Ordinal);

    /// <summary>Asks, and waits for the status that comes back: 404 from a dead gateway, 503 when it cannot be asked, 504 when it does not reply.</summary>
    /// <param name="replica">Whom.</param>
    /// <param name="message">What.</param>
    /// <param name="patience">For how long to wait for the reply; null for 10 s.</param>
    public async Task<int> AskAsync(string replica, ReplicaMessage message, TimeSpan? patience = null)
    {
        var id = RedisReplicas.NewId();
        var reply = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting[id] = reply;
        try
        {
            return await replicas.PostAsync(replica, message with { Question = id }) switch
            {
                PostOutcome.Dead => StatusCodes.Status404NotFound,
                PostOutcome.Unavailable => StatusCodes.Status503ServiceUnavailable,
                _ => await reply.Task.WaitAsync(patience ?? s_patience, time),
            };
        }
        catch (TimeoutException)
        {
            return StatusCodes.Status504GatewayTimeout;
        }
        finally
        {
            _waiting.TryRemove(id, out _);
        }
    }

    public void Take(ReplicaMessage reply)
    {
        if (reply.Question is { } id && _waiting.TryRemove(id, out var waiting)) waiting.TrySetResult(reply.Status);
    }

    /// <summary>Replies to a question of another gateway's.</summary>
    public void Reply(ReplicaMessage question, int status)
    {
        if (question is { From: { } from, Question: { } id }) _ = replicas.PostAsync(from, new ReplicaMessage(ReplicaMessageKind.Reply, question.Session) { Question = id, Status = status });
    }
}
