using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using McpGateway.Calls.Lists;

namespace McpGateway.Endpoints;

/// <summary>
/// Where the next page of a list of ours begins, and of which list: clients take it for opaque. It holds on every replica that sees the same
/// list, and on none once the list has become another.
/// </summary>
/// <param name="Position">How many entries came before.</param>
/// <param name="Fingerprint">Of the names in the list.</param>
internal readonly record struct ListCursor(int Position, long Fingerprint)
{
    private const int Size = sizeof(int) + sizeof(long);

    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[Size];
        BinaryPrimitives.WriteInt32BigEndian(bytes, Position);
        BinaryPrimitives.WriteInt64BigEndian(bytes[sizeof(int)..], Fingerprint);
        return Base64Url.EncodeToString(bytes);
    }

    /// <summary>Null for what was never a cursor of ours.</summary>
    public static ListCursor? Parse(string text)
    {
        Span<byte> bytes = stackalloc byte[Size];
        return text.Length == Base64Url.GetEncodedLength(Size) && Base64Url.IsValid(text) && Base64Url.TryDecodeFromChars(text, bytes, out var length) && length == Size
            ? new ListCursor(BinaryPrimitives.ReadInt32BigEndian(bytes), BinaryPrimitives.ReadInt64BigEndian(bytes[sizeof(int)..]))
            : null;
    }

    public static long FingerprintOf(ListKind kind, IEnumerable<string> names)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(kind.Method));
        foreach (var name in names)
        {
            // A name holds no such byte, so no two lists make the same text.
            hash.AppendData([0xFF]);
            hash.AppendData(Encoding.UTF8.GetBytes(name));
        }

        return BinaryPrimitives.ReadInt64BigEndian(hash.GetHashAndReset());
    }
}
