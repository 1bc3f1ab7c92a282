using System.Net;
using System.Text.Json;

namespace Agents.Worker.Models.OpenAi;

/// <summary>Makes a readable error of a refusal. Servers disagree on the body: <c>error.message</c>, <c>error</c>, <c>message</c>, <c>detail</c> or plain text.</summary>
internal static class OpenAiError
{
    private const int MaxLength = 500;

    public static ModelException From(HttpStatusCode status, string body, TimeSpan? retryAfter, string? secret)
    {
        var (failure, remedy) = (int)status switch
        {
            429 => (ModelFailure.RateLimited, ""),
            401 or 403 => (ModelFailure.Unauthorized, "Check Models:ApiKey."),
            404 => (ModelFailure.Rejected, "Check Models:BaseUrl and Models:Model."),
            408 or >= 500 => (ModelFailure.Unavailable, ""),
            _ => (ModelFailure.Rejected, ""),
        };
        var text = Describe(body);
        if (!string.IsNullOrEmpty(secret)) text = text.Replace(secret, "***", StringComparison.Ordinal);
        if (remedy.Length > 0) text = $"{text.TrimEnd('.')}. {remedy}";
        return new ModelException(failure, $"The model server answered {(int)status}: {text}") { Status = (int)status, RetryAfter = retryAfter };
    }

    public static string Describe(string body)
    {
        var text = Message(body) ?? body.Trim();
        if (text.Length == 0) return "(empty body)";
        return text.Length <= MaxLength ? text : text[..MaxLength] + "…";
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
}
