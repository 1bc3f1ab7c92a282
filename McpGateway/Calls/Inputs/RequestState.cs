using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;
using McpGateway.Sessions.Ledger;

namespace McpGateway.Calls.Inputs;

/// <summary>What a <c>requestState</c> of the gateway holds. It goes through the client, sealed: it cannot be read there, nor changed, nor used for anything else.</summary>
/// <param name="Continuation">The parked call; null when the upstream is simply to be called again.</param>
/// <param name="Owner">The gateway that holds it.</param>
/// <param name="Round">How often the client has been asked.</param>
/// <param name="Principal">Who may go on.</param>
/// <param name="Digest">Of the request that it belongs to; see <see cref="DigestOf"/>.</param>
/// <param name="Upstream">The upstream's name.</param>
/// <param name="Generation">Its configuration.</param>
/// <param name="ExpiresAt">When the call is given up.</param>
internal sealed record RequestState(string? Continuation, string Owner, int Round, string Principal, string Digest, string Upstream, string Generation, DateTimeOffset ExpiresAt)
{
    private const string Binding = "requestState";

    /// <summary>Longer ones are not ours.</summary>
    private const int MaxLength = 4096;

    public string Seal(SealingKeys keys) => keys.Seal(JsonSerializer.SerializeToUtf8Bytes(this), Binding);

    /// <summary>Reads back what a client sent; null for anything that was not sealed here, or has been changed.</summary>
    public static RequestState? Open(SealingKeys keys, string? text)
    {
        if (text is null || text.Length > MaxLength) return null;
        try
        {
            return JsonSerializer.Deserialize<RequestState>(keys.Open(text, Binding));
        }
        catch (Exception exception) when (exception is SealBrokenException or JsonException)
        {
            return null;
        }
    }

    /// <summary>What makes two requests the same: method and parameters, whatever the order of their members; not what differs from try to try.</summary>
    public static string DigestOf(GatewayCall call)
    {
        using var text = new MemoryStream();
        using (var writer = new Utf8JsonWriter(text))
        {
            writer.WriteStartArray();
            writer.WriteStringValue(call.MethodName);
            writer.WriteStringValue(call.Target);
            if (!call.Shape.Params.IsEmpty)
            {
                using var parameters = JsonDocument.Parse(call.Shape.Params.Of(call.Message), new JsonDocumentOptions { MaxDepth = 128 });
                foreach (var member in Sorted(parameters.RootElement))
                {
                    if (member.Name is "_meta" or "inputResponses" or "requestState") continue;
                    writer.WriteStringValue(member.Name);
                    Write(writer, member.Value);
                }
            }

            writer.WriteEndArray();
        }

        return Base64Url.EncodeToString(SHA256.HashData(text.GetBuffer().AsSpan(0, (int)text.Length)));
    }

    private static IOrderedEnumerable<JsonProperty> Sorted(JsonElement element) => element.EnumerateObject().OrderBy(static member => member.Name, StringComparer.Ordinal);

    private static void Write(Utf8JsonWriter writer, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (var member in Sorted(value))
                {
                    writer.WritePropertyName(member.Name);
                    Write(writer, member.Value);
                }

                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in value.EnumerateArray()) Write(writer, item);
                writer.WriteEndArray();
                break;
            default:
                value.WriteTo(writer);
                break;
        }
    }
}
