using System.Text;

namespace McpGateway.Upstreams.Links;

/// <summary>
/// What a child process writes to standard output that is no message, where MCP allows messages only. Of the lines in a row the first few are logged and
/// the others counted; with too many it is taken for a program of another kind. Owned by the reader of one link.
/// </summary>
internal sealed class Noise(string upstream, Secrets secrets, ILogger logger)
{
    /// <summary>Lines in a row that are logged.</summary>
    public const int Logged = 3;

    /// <summary>Lines in a row after which nothing is expected any more.</summary>
    public const int Most = 1000;

    /// <summary>Characters of a line that the verdict quotes.</summary>
    private const int Quoted = 100;

    /// <summary>Bytes of a line that are looked at for secrets before it is shortened.</summary>
    private const int Examined = 16 * 1024;

    private int _inRow;

    /// <summary>Why the process is given up; null while it is not.</summary>
    public string? Verdict { get; private set; }

    /// <summary>True while the process has never said a message.</summary>
    public bool IsAllThereWas { get; private set; } = true;

    /// <summary>Takes a line that is no message.</summary>
    /// <param name="line">The line, with secrets and all.</param>
    /// <param name="reason">Why it is none.</param>
    public void Hear(ReadOnlySpan<byte> line, string reason)
    {
        _inRow++;
        if (_inRow <= Logged) logger.IgnoredMessage(reason);
        if (_inRow == Most)
            Verdict = $"The process does not speak MCP: {Most} lines in a row on its standard output are no message, the last of them '{Quote(line)}'. Check \"command\" and \"args\"; what it logs belongs on standard error.";
    }

    /// <summary>Ends a row: a message came, or nothing more will.</summary>
    public void End()
    {
        if (_inRow > Logged) logger.IgnoredMore(upstream, _inRow - Logged);
        _inRow = 0;
        if (Verdict is null) IsAllThereWas = false;
    }

    private string Quote(ReadOnlySpan<byte> line)
    {
        var text = secrets.Redact(Encoding.UTF8.GetString(line[..Math.Min(line.Length, Examined)]));
        text = string.Concat(text.Select(static c => char.IsControl(c) ? ' ' : c)).Trim();
        return text.Length <= Quoted ? text : text[..Quoted] + "…";
    }
}
