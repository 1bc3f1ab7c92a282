using ConformanceUpstream.Legacy;

namespace ConformanceUpstream.Transports;

/// <summary>Transports where all that goes to a client shares one stream.</summary>
internal static class SharedStream
{
    /// <summary>Takes a message; its answer goes out when it is there.</summary>
    public static void Receive(LegacyServer server, LegacySession session, RpcMessage message)
    {
        if (message.IsRequest) _ = AnswerAsync();
        else LegacyServer.Take(session, message);

        // Nobody waits for it: whatever goes wrong in a call becomes its answer.
        async Task AnswerAsync()
        {
            if (await server.AnswerAsync(session, message, session.Outside) is { } answer) session.Outside.Append(answer);
        }
    }
}
