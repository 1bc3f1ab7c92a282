using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;

namespace McpGateway.Sessions.Ledger;

/// <summary>
/// Keys that seal what must not be read or changed outside the gateways: AES-256-GCM, bound to where the sealed text belongs.
/// The first key seals, all of them open, so that a key can be replaced without losing what the old one sealed.
/// </summary>
internal sealed class SealingKeys
{
    private const int NonceSize = 12;
    private const int TagSize = 16;

    private readonly ImmutableArray<SealingKey> _keys;

    public SealingKeys(ImmutableArray<SealingKey> keys)
    {
        ArgumentOutOfRangeException.ThrowIfZero(keys.Length);
        _keys = keys;
    }

    /// <summary>Seals: <c>key id . base64url(nonce, tag, cipher text)</c>.</summary>
    public string Seal(ReadOnlySpan<byte> plain, string binding)
    {
        var key = _keys[0];
        var output = new byte[NonceSize + TagSize + plain.Length];
        var nonce = output.AsSpan(0, NonceSize);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(key.Bytes.AsSpan(), TagSize);
        aes.Encrypt(nonce, plain, output.AsSpan(NonceSize + TagSize), output.AsSpan(NonceSize, TagSize), Encoding.UTF8.GetBytes(binding));
        return $"{key.Id}.{System.Buffers.Text.Base64Url.EncodeToString(output)}";
    }

    /// <summary>True when the text says that it was sealed with one of these keys; what others sealed is theirs.</summary>
    public bool Knows(string sealedText) => Find(sealedText) is not null;

    /// <exception cref="SealBrokenException">It was changed, moved, or sealed with a key not known here.</exception>
    public byte[] Open(string sealedText, string binding)
    {
        var key = Find(sealedText) ?? throw new SealBrokenException("its key is not known");
        try
        {
            var input = System.Buffers.Text.Base64Url.DecodeFromChars(sealedText.AsSpan(key.Id.Length + 1));
            if (input.Length < NonceSize + TagSize) throw new SealBrokenException("it is cut short");
            var plain = new byte[input.Length - NonceSize - TagSize];
            using var aes = new AesGcm(key.Bytes.AsSpan(), TagSize);
            aes.Decrypt(input.AsSpan(0, NonceSize), input.AsSpan(NonceSize + TagSize), input.AsSpan(NonceSize, TagSize), plain, Encoding.UTF8.GetBytes(binding));
            return plain;
        }
        catch (Exception exception) when (exception is CryptographicException or FormatException)
        {
            throw new SealBrokenException("it was changed, moved, or sealed with another key of the same id", exception);
        }
    }

    private SealingKey? Find(string sealedText)
    {
        var end = sealedText.IndexOf('.', StringComparison.Ordinal);
        return end <= 0 ? null : _keys.FirstOrDefault(key => sealedText.AsSpan(0, end).SequenceEqual(key.Id));
    }
}

/// <summary>One key: 32 bytes under a name that may be seen.</summary>
internal sealed record SealingKey(string Id, ImmutableArray<byte> Bytes)
{
    public const int Size = 32;

    public override string ToString() => $"sealing key {Id}";
}

/// <summary>A sealed text does not open. Says why, never what.</summary>
internal sealed class SealBrokenException(string message, Exception? inner = null) : Exception(message, inner);
