using System.Text.Json;
using System.Text.Json.Serialization;

namespace McpGateway.Sessions.Ledger;

/// <summary>The sealed part of an entry: era, version and capabilities too, since a changed one would change what clients are told.</summary>
/// <param name="SessionId">The upstream's own id of the session.</param>
/// <param name="Url">Where it lives, so that it can be ended after its upstream was configured anew.</param>
/// <param name="Server">What the upstream said in the handshake, which is not made again.</param>
/// <param name="Profile">What it was opened as; only a caller of the same profile goes on with it. Null in an entry of a gateway that knew no profiles, which nobody can go on with.</param>
/// <param name="IsUsed">True once a caller may have left something in it. Written before the caller gets it.</param>
/// <param name="Principal">The only one it may go on serving; set while a used session is parked.</param>
internal sealed record SessionSecret(string SessionId, Uri Url, ServerProfile Server, string? Profile, bool IsUsed, string? Principal)
{
    /// <summary>With <see cref="Principal"/> and <see cref="Profile"/> whose own session it is; set while a pinned session is parked.</summary>
    public string? Affinity { get; init; }

    /// <summary>True when <see cref="Affinity"/> is a client's session with the gateway.</summary>
    public bool IsOfSession { get; init; }

    /// <summary>What a used session holds is its caller's. Only one that was given back and parked with its principal's name can go on.</summary>
    [JsonIgnore]
    public bool IsResumable => Profile is not null && (!IsUsed || Principal is not null);

    /// <summary>True when it was parked for this key, and for no other.</summary>
    public bool BelongsTo(SessionKey key) =>
        Affinity is not null && Affinity == key.Affinity && IsOfSession == key.IsOfSession && Principal == key.Principal && Profile == key.Profile.ToString();

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, LedgerJson.Options);

    /// <exception cref="SealBrokenException">They are no secret of this kind.</exception>
    public static SessionSecret FromBytes(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return JsonSerializer.Deserialize<SessionSecret>(bytes, LedgerJson.Options) is { SessionId: not null, Url: not null, Server: not null } secret
                ? secret
                : throw new SealBrokenException("it holds no session");
        }
        catch (JsonException exception)
        {
            throw new SealBrokenException("it holds something else", exception);
        }
    }
}

/// <summary>JSON as the ledger stores it.</summary>
internal static class LedgerJson
{
    public static JsonSerializerOptions Options { get; } = new(JsonSerializerDefaults.Web)
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter() },
    };
}
