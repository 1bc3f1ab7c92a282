using System.Reflection;
using System.Text.Json;
using Agents.Runs;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Http.Metadata;

namespace Agents.Api.Submit;

/// <summary>A request's JSON body: either the value, or the problem to answer with.</summary>
internal sealed class JsonBody<T> : IBindableFromHttpContext<JsonBody<T>>, IEndpointParameterMetadataProvider
    where T : class
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    private JsonBody(T? value, ProblemHttpResult? problem) => (Value, Problem) = (value, problem);

    /// <summary>The value; null when there is a <see cref="Problem"/>.</summary>
    public T? Value { get; }

    /// <summary>What is wrong with the body.</summary>
    public ProblemHttpResult? Problem { get; }

    public static async ValueTask<JsonBody<T>?> BindAsync(HttpContext context, ParameterInfo parameter)
    {
        try
        {
            using var document = await JsonDocument.ParseAsync(context.Request.Body, Strict, context.RequestAborted);
            ReadTexts(document.RootElement);
            var differences = JsonShape.Differences<T>(document.RootElement);
            return differences.Count > 0
                ? new(null, Problems.Invalid(differences))
                : new(document.RootElement.Deserialize<T>(RunsJson.Options), null);
        }
        catch (JsonException malformed)
        {
            return new(null, Problems.Invalid("body", Sentence(malformed, context.Request)));
        }
        catch (InvalidOperationException)
        {
            return new(null, Problems.Invalid("body", "A text in it is no Unicode: it has broken UTF-8, or half of a surrogate pair such as \\ud800 alone."));
        }
        catch (BadHttpRequestException refused)
        {
            return new(null, Problems.Of(refused.StatusCode, refused.StatusCode == StatusCodes.Status413PayloadTooLarge
                ? $"The body is larger than {SubmitServices.MaxBodyBytes / 1024} KiB."
                : refused.Message));
        }
    }

    public static void PopulateMetadata(ParameterInfo parameter, EndpointBuilder builder) =>
        builder.Metadata.Add(new AcceptsMetadata(["application/json"], typeof(T)));

    /// <summary>Reads every text once. The parser takes broken ones unread, and they would fail wherever they are used first.</summary>
    /// <exception cref="InvalidOperationException">A text is no Unicode.</exception>
    private static void ReadTexts(JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.String:
                value.GetString();
                break;
            case JsonValueKind.Array:
                foreach (var item in value.EnumerateArray())
                    ReadTexts(item);
                break;
            case JsonValueKind.Object:
                foreach (var member in value.EnumerateObject())
                {
                    _ = member.Name;
                    ReadTexts(member.Value);
                }

                break;
        }
    }

    private static string Sentence(JsonException malformed, HttpRequest request)
    {
        if (request.ContentLength is 0 or null && malformed is { LineNumber: 0, BytePositionInLine: 0 })
            return "The body is empty: send a JSON object.";
        // The serializer's message ends with the position in its own terms.
        var reason = malformed.Message.Split(" LineNumber:")[0].Split(" Path:")[0];
        return $"This is not the JSON of a request (line {malformed.LineNumber + 1}, byte {malformed.BytePositionInLine + 1}): {reason}";
    }
}
