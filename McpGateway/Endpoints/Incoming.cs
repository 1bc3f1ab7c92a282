using McpGateway.Calls;
using McpGateway.Protocol;

namespace McpGateway.Endpoints;

/// <summary>One message from a client with its scan. It has one owner, who disposes it: the call that it starts, which may outlive the HTTP request.</summary>
/// <param name="Body">The message.</param>
/// <param name="Shape">Its scan.</param>
/// <param name="Trace">The trace that the HTTP request names; null for none.</param>
internal sealed record Incoming(MessageBuffer Body, MessageShape Shape, CallTrace? Trace) : IDisposable
{
    public ReadOnlyMemory<byte> Memory => Body.Memory;

    public ReadOnlySpan<byte> Span => Body.Span;

    public ReadOnlyMemory<byte> Id => Shape.Id.Of(Body.Memory);

    /// <summary>Scans a message, and takes its bytes over.</summary>
    /// <param name="body">The message.</param>
    /// <param name="request">What brought it.</param>
    /// <exception cref="MessageRefusedException">It is none.</exception>
    public static Incoming Scan(MessageBuffer body, HttpRequest request)
    {
        try
        {
            return new Incoming(body, MessageScanner.Scan(body.Span), CallTrace.Of(request));
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    public void Dispose() => Body.Dispose();
}
