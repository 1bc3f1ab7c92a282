using System.Net.Sockets;
using System.Text;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Local;

namespace Aspire.Hosting;

/// <summary>Healthy once the server takes the password and answers PING.</summary>
internal sealed class RedisHealthAnnotation : LocalHealthAnnotation
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    internal override string KeyFor(IResource resource) => $"{resource.Name}_check";

    internal override async Task<string?> CheckAsync(IResource resource, int replica, HttpClient client, CancellationToken cancellationToken)
    {
        var redis = (RedisResource)resource;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Timeout);
        try
        {
            using var connection = new TcpClient();
            await connection.ConnectAsync(redis.PrimaryEndpoint.Host, redis.PrimaryEndpoint.Port, limit.Token).ConfigureAwait(false);
            await using var stream = connection.GetStream();
            using var reader = new StreamReader(stream, Encoding.ASCII);
            var password = redis.PasswordParameter is { } parameter ? await parameter.GetValueAsync(limit.Token).ConfigureAwait(false) : null;
            if (password is not null && await AskAsync(stream, reader, ["AUTH", password], limit.Token).ConfigureAwait(false) is not "+OK" and var refusal)
                return $"AUTH: {refusal}";
            var answer = await AskAsync(stream, reader, ["PING"], limit.Token).ConfigureAwait(false);
            return answer == "+PONG" ? null : $"PING: {answer}";
        }
        catch (Exception exception) when (exception is SocketException or IOException)
        {
            return "cannot be reached";
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return $"gives no answer in {Timeout.TotalSeconds} s";
        }
    }

    private static async Task<string?> AskAsync(NetworkStream stream, StreamReader reader, string[] words, CancellationToken cancellationToken)
    {
        var command = $"*{words.Length}\r\n{string.Concat(words.Select(word => $"${Encoding.UTF8.GetByteCount(word)}\r\n{word}\r\n"))}";
        await stream.WriteAsync(Encoding.UTF8.GetBytes(command), cancellationToken).ConfigureAwait(false);
        return await reader.ReadLineAsync(cancellationToken).ConfigureAwait(false);
    }
}
