using Agents.Runs;

namespace Agents.Api.Submit;

/// <summary>
/// The header <c>Idempotency-Key</c> (draft-ietf-httpapi-idempotency-key-header): a string of RFC 8941, quotes included. Clients that send the
/// bare key, as many do, are understood too.
/// </summary>
internal static class IdempotencyKey
{
    public const string Header = "Idempotency-Key";

    public const string Use = "Names this submission, so that it can be repeated without making a second run: 1 to 255 characters in quotes. Remembered for Runs:SubmissionKeys, 24 h by default.";

    private const int MaxChars = 255;

    /// <summary>The key; null without the header.</summary>
    /// <param name="value">The header; several of them joined by commas.</param>
    /// <param name="error">What is wrong with it.</param>
    public static string? Parse(string? value, out FieldError? error)
    {
        error = null;
        if (value is null)
            return null;
        var key = value.Trim() is ['"', .. var quoted, '"'] ? Unescape(quoted) : Bare(value.Trim());
        if (key is { Length: > 0 and <= MaxChars })
            return key;
        error = new(Header, $"must be given once, as a text of 1 to {MaxChars} visible ASCII characters in quotes, such as \"8e03978e-40d5-43dd-bc93-6894a57f9324\".");
        return null;
    }

    // RFC 8941, 3.3.3: a backslash stands before a quote or a backslash and nothing else.
    private static string? Unescape(string quoted)
    {
        var key = new System.Text.StringBuilder(quoted.Length);
        for (var i = 0; i < quoted.Length; i++)
        {
            if (quoted[i] == '\\' && (++i == quoted.Length || quoted[i] is not ('"' or '\\')))
                return null;
            if (quoted[i] is < ' ' or > '~' || (quoted[i] == '"' && quoted[i - 1] != '\\'))
                return null;
            key.Append(quoted[i]);
        }

        return key.ToString();
    }

    private static string? Bare(string key) => key.All(c => c is > ' ' and <= '~' and not ('"' or ',')) ? key : null;
}
