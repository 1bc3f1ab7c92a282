using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Agents.Worker.Models;

/// <summary>
/// Makes a readable error of a response that is no answer. Servers disagree on the body: <c>error.message</c>, <c>error</c>, <c>message</c>,
/// <c>detail</c>, plain text, or the HTML page of a proxy before them.
/// </summary>
internal static partial class ModelRefusal
{
    private const int MaxLength = 500;

    /// <exception cref="ModelException">The response is a refusal, or a page for people. Its body was read.</exception>
    public static async Task ThrowIfRefusedAsync(HttpResponseMessage response, string? secret, TimeProvider time, CancellationToken cancellationToken)
    {
        var isPage = response.Content.Headers.ContentType?.MediaType == "text/html";
        if (response.IsSuccessStatusCode && !isPage) return;
        var body = await response.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false);
        throw From(response.StatusCode, body, RetryAfter(response, time), secret);
    }

    /// <summary>The error of a server's answer with this status; 2xx is one that should have been a stream.</summary>
    public static ModelException From(HttpStatusCode status, string body, TimeSpan? retryAfter, string? secret)
    {
        var (failure, remedy) = (int)status switch
        {
            429 => (ModelFailure.RateLimited, ""),
            401 or 403 => (ModelFailure.Unauthorized, "Check Models:ApiKey."),
            404 => (ModelFailure.Rejected, "Check Models:BaseUrl and Models:Model."),
            408 or >= 500 => (ModelFailure.Unavailable, ""),
            < 300 => (ModelFailure.Rejected, "Check Models:BaseUrl."),
            _ => (ModelFailure.Rejected, ""),
        };
        var text = Describe(body);
        if (!string.IsNullOrEmpty(secret)) text = text.Replace(secret, "***", StringComparison.Ordinal);
        if (remedy.Length > 0) text = $"{text.TrimEnd('.')}. {remedy}";
        return new ModelException(failure, $"The model server answered {(int)status}: {text}") { Status = (int)status, RetryAfter = retryAfter };
    }

    /// <summary>The sentence in a body that a person wants to read.</summary>
    public static string Describe(string body)
    {
        var text = Message(body) ?? Page(body) ?? body.Trim();
        if (text.Length == 0) return "(empty body)";
        return text.Length <= MaxLength ? text : text[..MaxLength] + "…";
    }

    private static TimeSpan? RetryAfter(HttpResponseMessage response, TimeProvider time)
    {
        var header = response.Headers.RetryAfter;
        var wait = header?.Delta ?? (header?.Date is { } date ? date - time.GetUtcNow() : null);
        return wait is { } value && value < TimeSpan.Zero ? TimeSpan.Zero : wait;
    }

    private static string? Message(string body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return Message(document.RootElement);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string? Message(JsonElement element)
    {
        if (element.ValueKind == JsonValueKind.String) return element.GetString();
        if (element.ValueKind != JsonValueKind.Object) return null;
        foreach (var name in (ReadOnlySpan<string>)["error", "message", "detail"])
        {
            if (element.TryGetProperty(name, out var value) && Message(value) is { Length: > 0 } text) return text;
        }

        return null;
    }

    private static string? Page(string body)
    {
        if (!PageStart().IsMatch(body)) return null;
        var title = WebUtility.HtmlDecode(Title().Match(body).Groups["title"].Value).Trim();
        return title.Length == 0 ? "an HTML page instead of an API's answer" : $"an HTML page instead of an API's answer, \"{title}\"";
    }

    [GeneratedRegex(@"^\s*<(!doctype\s+html|html)\b", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex PageStart();

    [GeneratedRegex(@"<title[^>]*>(?<title>[^<]*)</title>", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Title();
}
