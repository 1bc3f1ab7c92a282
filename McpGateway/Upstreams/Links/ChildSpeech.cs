namespace McpGateway.Upstreams.Links;

/// <summary>What a child process writes to standard error: it goes to the log line by line, and the last line stands in the failure when the process ends. The secrets that it was given are taken out of both.</summary>
internal sealed class ChildSpeech(string upstream, Secrets secrets, ILogger logger)
{
    /// <summary>Characters of the last line that a failure quotes.</summary>
    private const int Quoted = 300;

    private volatile string? _last;

    public Secrets Secrets => secrets;

    /// <summary>The last line that was not blank, shortened; null when it has said nothing.</summary>
    public string? LastWords => _last is { } line ? Shorten(line) : null;

    /// <summary>Reads to the end of the stream.</summary>
    public async Task ReadAsync(StreamReader error)
    {
        try
        {
            while (await error.ReadLineAsync() is { } line)
            {
                var said = secrets.Redact(line);
                if (!string.IsNullOrWhiteSpace(said)) _last = said;
                logger.UpstreamSaid(upstream, said);
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            logger.UpstreamSaid(upstream, $"(standard error cannot be read: {exception.Message})");
        }
    }

    /// <summary>Colours and other control characters belong to a terminal, not to a sentence.</summary>
    private static string Shorten(string line)
    {
        var text = string.Concat(line.Select(static c => char.IsControl(c) ? ' ' : c)).Trim();
        return text.Length <= Quoted ? text : text[..Quoted] + "…";
    }
}
