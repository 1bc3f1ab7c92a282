using System.Security.Cryptography;
using System.Text;

namespace Agents.Api.Webhooks;

/// <summary>Signatures of Standard Webhooks, scheme v1: HMAC-SHA256 over id, time and body, joined by dots.</summary>
internal static class WebhookSignature
{
    private const string Prefix = "whsec_";

    /// <summary>The value of <c>webhook-signature</c>: one signature per secret, apart by spaces.</summary>
    /// <param name="secrets">The secrets as they are configured, each valid.</param>
    /// <param name="id">The message's id.</param>
    /// <param name="unixSeconds">The time of the attempt.</param>
    /// <param name="body">The body as it is sent.</param>
    public static string Of(IEnumerable<string> secrets, string id, long unixSeconds, ReadOnlySpan<byte> body)
    {
        byte[] signed = [.. Encoding.UTF8.GetBytes(FormattableString.Invariant($"{id}.{unixSeconds}.")), .. body];
        return string.Join(' ', secrets.Select(secret => $"v1,{Convert.ToBase64String(HMACSHA256.HashData(KeyOf(secret)!, signed))}"));
    }

    /// <summary>The key in a secret; null when it is none.</summary>
    public static byte[]? KeyOf(string secret)
    {
        var key = new byte[64];
        return secret.StartsWith(Prefix, StringComparison.Ordinal) && Convert.TryFromBase64String(secret[Prefix.Length..], key, out var length) && length >= 24
            ? key[..length]
            : null;
    }
}
