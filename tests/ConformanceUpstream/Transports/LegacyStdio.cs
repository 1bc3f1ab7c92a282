using ConformanceUpstream.Legacy;

namespace ConformanceUpstream.Transports;

/// <summary>A session that is the process.</summary>
internal sealed class LegacyStdio(LegacyServer server)
{
    public async Task RunAsync(Stream input, Stream output, CancellationToken cancellationToken)
    {
        var session = server.Open();
        var writing = WriteAsync(session, output);
        await Lines.ReadAsync(input, message => SharedStream.Receive(server, session, message), session.Outside.Append, cancellationToken);
        server.End(session);
        await writing;
    }

    private static async Task WriteAsync(LegacySession session, Stream output)
    {
        await foreach (var (_, data) in session.Outside.ReadAsync(0, comesBack: false, CancellationToken.None)) await Lines.WriteAsync(output, data);
    }
}
