using System.Text;
using System.Text.Json.Nodes;

namespace ConformanceUpstream.Transports;

/// <summary>Messages on standard input and output: one to a line.</summary>
internal static class Lines
{
    /// <summary>Reads messages until the input ends; what is no message is answered with an error.</summary>
    public static async Task ReadAsync(Stream input, Action<RpcMessage> receive, Action<JsonObject> refuse, CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(input, new UTF8Encoding(false));
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            if (line.Length == 0) continue;
            try
            {
                receive(RpcMessage.Parse(Encoding.UTF8.GetBytes(line)));
            }
            catch (RpcException error)
            {
                refuse(error.Answer(null));
            }
        }
    }

    public static async Task WriteAsync(Stream output, string message)
    {
        await output.WriteAsync(Encoding.UTF8.GetBytes(message + "\n"));
        await output.FlushAsync();
    }
}
