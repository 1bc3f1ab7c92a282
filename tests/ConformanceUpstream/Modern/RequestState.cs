using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace ConformanceUpstream.Modern;

/// <summary>
/// The answers of earlier rounds, which the client carries and must not change: base64 of JSON, and its HMAC. A state from before the
/// server's last start is refused like any other that this server did not write.
/// </summary>
internal sealed class RequestState
{
    private readonly byte[] _key = RandomNumberGenerator.GetBytes(32);

    public string Write(JsonObject answers)
    {
        var text = Convert.ToBase64String(Encoding.UTF8.GetBytes(answers.ToJsonString()));
        return $"{text}.{Seal(text)}";
    }

    /// <exception cref="RpcException">This server did not write it.</exception>
    public JsonObject Read(JsonNode? state)
    {
        if (state is null) return [];
        var parts = (RpcMessage.TextOf(state) ?? "").Split('.');
        if (parts.Length != 2 || !CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(parts[1]), Encoding.ASCII.GetBytes(Seal(parts[0]))))
            throw new RpcException(RpcCode.InvalidParams, "params.requestState is not one that this server wrote.");
        return JsonSerializer.Deserialize<JsonObject>(Convert.FromBase64String(parts[0]))!;
    }

    private string Seal(string text) => Convert.ToHexString(HMACSHA256.HashData(_key, Encoding.ASCII.GetBytes(text)));
}
