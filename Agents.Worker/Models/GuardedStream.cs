using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Agents.Worker.Models;

/// <summary>Bounds a model server's silence, and makes a <see cref="ModelException"/> of whatever breaks its answer.</summary>
internal static class GuardedStream
{
    /// <param name="source">One request: sends it when it is enumerated, and yields its answer's pieces.</param>
    /// <param name="server">Where it goes, for messages.</param>
    /// <param name="timeout">The wait for the first piece and for each further one.</param>
    /// <param name="time">The clock of <paramref name="timeout"/>.</param>
    /// <param name="cancellationToken">The caller's own; its cancellation is passed on as it is.</param>
    public static async IAsyncEnumerable<T> ReadAsync<T>(
        Func<CancellationToken, IAsyncEnumerable<T>> source, Uri server, TimeSpan timeout, TimeProvider time, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var silence = new CancellationTokenSource(timeout, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, silence.Token);
        await using var pieces = source(linked.Token).GetAsyncEnumerator(linked.Token);
        while (await NextAsync().ConfigureAwait(false))
        {
            silence.CancelAfter(timeout);
            yield return pieces.Current;
        }

        async Task<bool> NextAsync()
        {
            try
            {
                return await pieces.MoveNextAsync().ConfigureAwait(false);
            }
            catch (Exception error) when (error is OperationCanceledException or HttpRequestException { InnerException: OperationCanceledException }
                && silence.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                throw new ModelException(ModelFailure.Timeout, $"The model server was silent for {timeout.TotalSeconds:0} s (Models:Timeout).");
            }
            catch (Exception error) when (Failure(error, server) is { } failure)
            {
                throw failure;
            }
        }
    }

    private static ModelException? Failure(Exception error, Uri server) => error switch
    {
        HttpRequestException { HttpRequestError: HttpRequestError.ResponseEnded } =>
            new ModelException(ModelFailure.BrokenStream, $"The model server closed the connection before it answered: {error.GetBaseException().Message}", error),
        HttpRequestException =>
            new ModelException(ModelFailure.Unavailable, $"The model server at {server.GetLeftPart(UriPartial.Authority)} cannot be reached: {error.Message}", error),
        IOException => new ModelException(ModelFailure.BrokenStream, $"The model server's answer was cut off: {error.Message}", error),
        JsonException => new ModelException(ModelFailure.BrokenStream, "The model server's answer carried malformed JSON.", error),
        _ => null,
    };
}
