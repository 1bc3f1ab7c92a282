using McpGateway.Protocol;
using McpGateway.Sessions;
using McpGateway.Upstreams.Links;

namespace McpGateway.Calls.Inputs;

/// <summary>A request that an upstream of the legacy kind makes of its client: sampling, elicitation, roots. It is answered once, on the link it came from.</summary>
internal sealed class ServerQuestion(UpstreamLink link, UpstreamMessage message) : IDisposable
{
    private int _answered;

    public MessageShape Shape => message.Shape;

    public ReadOnlySpan<byte> Bytes => message.Bytes.Span;

    /// <summary>The method with its quotes.</summary>
    public ReadOnlySpan<byte> Method => Shape.MethodName.Of(Bytes);

    /// <summary>The parameters; an empty object where there are none.</summary>
    public ReadOnlySpan<byte> Parameters => Shape.Params.IsEmpty ? "{}"u8 : Shape.Params.Of(Bytes);

    /// <summary>The upstream's own id of it.</summary>
    public ReadOnlyMemory<byte> Id => Shape.Id.Of(message.Bytes);

    /// <summary>Answers with a result.</summary>
    public Task AnswerAsync(ReadOnlySpan<byte> result, CancellationToken cancellationToken) => SendAsync(ServerRequest.Result(Id.Span, result), cancellationToken);

    /// <summary>Answers with what a client answered, result or error, in the client's own words.</summary>
    public Task AnswerAsync(ClientAnswer answer, CancellationToken cancellationToken) =>
        SendAsync(answer.IsError ? ServerRequest.Error(Id.Span, answer.Body.Span) : ServerRequest.Result(Id.Span, answer.Body.Span), cancellationToken);

    public Task RefuseAsync(RpcError error, CancellationToken cancellationToken) => SendAsync(ServerRequest.Error(Id.Span, error.Code, error.Message), cancellationToken);

    /// <summary>Answers for a client that does not come back: the user has dismissed a form, everything else has failed.</summary>
    public Task GiveUpAsync(CancellationToken cancellationToken) => Shape.Method == McpMethod.Elicit
        ? AnswerAsync("""{"action":"cancel"}"""u8, cancellationToken)
        : RefuseAsync(new RpcError(RpcErrorCode.InternalError, "The client did not answer in time."), cancellationToken);

    public void Dispose() => message.Dispose();

    private Task SendAsync(byte[] answer, CancellationToken cancellationToken) =>
        Interlocked.Exchange(ref _answered, 1) == 0 ? link.AnswerAsync(answer, cancellationToken) : Task.CompletedTask;
}

/// <summary>What a client answered: the result, or the error object, as it wrote it.</summary>
internal sealed record ClientAnswer(bool IsError, ReadOnlyMemory<byte> Body);
