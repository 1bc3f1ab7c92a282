using System.Text.Json;
using McpGateway.Protocol;

namespace McpGateway.Calls.Inputs;

/// <summary>Puts answers to input requests into a client's request, or takes them out of it: the one change for which its parameters are copied.</summary>
internal static class InputRewrite
{
    /// <summary>The request without answers: an upstream of the legacy kind knows none.</summary>
    public static GatewayCall Without(GatewayCall call) =>
        call.Shape.InputResponses.IsEmpty && call.Shape.RequestState.IsEmpty ? call : Rewrite(call, default);

    /// <summary>The request with answers, as a modern upstream wants it again.</summary>
    /// <param name="call">The client's request.</param>
    /// <param name="responses">The object of answers.</param>
    /// <param name="state">The upstream's state with its quotes, verbatim; empty when it gave none.</param>
    public static GatewayCall With(GatewayCall call, ReadOnlySpan<byte> responses, ReadOnlySpan<byte> state)
    {
        using var members = new MessageBuffer(responses.Length + state.Length + 64);
        members.Write("\"inputResponses\":"u8);
        members.Write(responses.IsEmpty ? "{}"u8 : responses);
        if (!state.IsEmpty)
        {
            members.Write(",\"requestState\":"u8);
            members.Write(state);
        }

        return Rewrite(call, members.Span);
    }

    private static GatewayCall Rewrite(GatewayCall call, ReadOnlySpan<byte> added)
    {
        using var parameters = new MessageBuffer(call.Message.Length + added.Length);
        ObjectRewrite.Write(
            parameters,
            call.Shape.Params.Of(call.Message.Span),
            static (ref Utf8JsonReader name) => !name.ValueTextEquals("inputResponses"u8) && !name.ValueTextEquals("requestState"u8),
            added);
        using var output = new MessageBuffer(call.Message.Length + added.Length);
        var splice = new Splice(call.Message.Span);
        if (call.Shape.Params.IsEmpty) splice.Insert(call.Shape.Close, (byte[])[.. ",\"params\":"u8, .. parameters.Span]);
        else splice.Replace(call.Shape.Params, parameters.Span.ToArray());
        splice.WriteTo(output);
        var message = output.Span.ToArray();
        return call with { Message = message, Shape = MessageScanner.Scan(message) };
    }
}
