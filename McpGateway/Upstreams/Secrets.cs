using System.Collections.Immutable;

namespace McpGateway.Upstreams;

/// <summary>
/// What an upstream was given that nobody else is to read: the values of its headers and of its variables, and what <c>${NAME}</c> stood for. Some
/// servers quote it in what they log or refuse. Known by its text alone: what a server has changed (encoded, cut) is not recognised.
/// </summary>
internal sealed class Secrets
{
    /// <summary>Words that are shorter, such as "Bearer", are no secrets.</summary>
    public const int Shortest = 8;

    private const string Mask = "***";

    /// <summary>The longest first: one may be a part of another.</summary>
    private readonly ImmutableArray<string> _texts;

    /// <param name="headers">Values of headers; each word counts by itself too, as in "Bearer …".</param>
    /// <param name="others">Other values; each line counts by itself too, as logs are written by lines.</param>
    public Secrets(IEnumerable<string> headers, IEnumerable<string> others)
    {
        var texts = headers.SelectMany(static value => value.Split(' ').Append(value)).Concat(others.SelectMany(static value => value.Split('\n', StringSplitOptions.TrimEntries).Append(value)));
        _texts = [.. texts.Where(static text => text.Length >= Shortest && !IsPath(text)).Distinct(StringComparer.Ordinal).OrderByDescending(static text => text.Length)];
    }

    /// <summary>Where something lies is no secret, and stands in every other line of a log.</summary>
    private static bool IsPath(string text) => Path.IsPathFullyQualified(text) && Path.Exists(text);

    /// <summary>The text with <c>***</c> for each secret.</summary>
    public string Redact(string text)
    {
        foreach (var secret in _texts) text = text.Replace(secret, Mask, StringComparison.Ordinal);
        return text;
    }
}
