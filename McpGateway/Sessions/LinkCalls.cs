using System.Text;
using McpGateway.Protocol;
using McpGateway.Upstreams.Links;

namespace McpGateway.Sessions;

/// <summary>The gateway's own calls on a link: handshake, verification, keep-alive. None of them is on a caller's path.</summary>
internal static class LinkCalls
{
    /// <summary>Makes one call and returns its answer, result or error, which the caller disposes.</summary>
    /// <exception cref="UpstreamException">No answer came.</exception>
    public static async Task<UpstreamMessage> CallAsync(UpstreamLink link, string method, string parameters, CancellationToken cancellationToken)
    {
        var id = link.NextId();
        var request = Encoding.UTF8.GetBytes($$"""{"jsonrpc":"2.0","id":{{id}},"method":"{{method}}","params":{{parameters}}}""");
        await using var exchange = await link.SendRequestAsync(new OutgoingRequest(id, request, method), cancellationToken);
        while (true)
        {
            var message = await exchange.NextAsync(cancellationToken);
            if (message.IsAnswer) return message;
            using (message)
            {
                if (message.Shape.Kind == MessageKind.Request) await link.RefuseAsync(message, cancellationToken);
            }
        }
    }

    /// <summary>The parameters of a call without arguments of its own.</summary>
    public static string Parameters(McpEra era, string members = "")
    {
        var envelope = era == McpEra.Modern ? $$"""
            "_meta":{{{Encoding.UTF8.GetString(Envelope.OfGateway.Span)}}}
            """.Trim() : "";
        return $"{{{envelope}{(envelope.Length > 0 && members.Length > 0 ? "," : "")}{members}}}";
    }

    /// <summary>Pings; returns when the session lives, as <see cref="PingAsync"/> has it.</summary>
    /// <exception cref="UpstreamException">It is lost, or no answer came.</exception>
    public static async Task ProbeAsync(UpstreamLink link, CancellationToken cancellationToken)
    {
        using var answer = await CallAsync(link, McpMethodNames.Ping, "{}", cancellationToken);
        if (answer.Shape.Kind != MessageKind.Error) return;
        var text = answer.ReadErrorText();
        var shape = FailureTable.Find(new FailureSign(link.Transport, link.KeepsSession, Code: answer.Shape.ErrorCode, Text: text));
        // A ping runs nothing: whatever speaks of the session is no tool's.
        if (shape.Kind is not null) throw new UpstreamException(FailureKind.SessionLost, $"it answered a ping with: {link.Redact(text)}");
    }

    /// <summary>Why the session does not live any more; null when it answered, even if with an error, unless that says that the session is lost.</summary>
    public static async Task<string?> PingAsync(UpstreamLink link, TimeSpan timeout, TimeProvider time)
    {
        using var deadline = new CancellationTokenSource(timeout, time);
        try
        {
            await ProbeAsync(link, deadline.Token);
            return null;
        }
        catch (UpstreamException exception)
        {
            return exception.Message;
        }
        catch (OperationCanceledException)
        {
            return $"it did not answer a ping within {timeout.TotalSeconds:0.#} s";
        }
    }
}
