using System.Buffers.Binary;
using System.Text;

namespace Testing;

/// <summary>
/// Reads a protobuf message by field number, without its schema: enough to look into what an exporter sends
/// (wire format: each field is a varint key, number and wire type, then a varint, 8 or 4 bytes, or a length and that many bytes).
/// </summary>
public sealed class ProtobufMessage
{
    private readonly List<(int Field, ReadOnlyMemory<byte> Bytes, ulong Number)> _fields = [];

    /// <summary>Reads a whole message.</summary>
    /// <exception cref="InvalidDataException">The bytes are no protobuf message.</exception>
    public ProtobufMessage(ReadOnlyMemory<byte> message)
    {
        while (!message.IsEmpty)
        {
            var key = ReadVarint(ref message);
            var (bytes, number) = ReadValue((int)(key & 7), ref message);
            _fields.Add(((int)(key >> 3), bytes, number));
        }
    }

    /// <summary>The messages in a field.</summary>
    public IEnumerable<ProtobufMessage> Messages(int field) =>
        _fields.Where(entry => entry.Field == field).Select(entry => new ProtobufMessage(entry.Bytes));

    /// <summary>The text in a field; empty when there is none.</summary>
    public string Text(int field) => Encoding.UTF8.GetString(Bytes(field).Span);

    /// <summary>The bytes of a field as lower-case hexadecimal digits, as ids are written.</summary>
    public string Hex(int field) => Convert.ToHexStringLower(Bytes(field).Span);

    /// <summary>The number in a field; 0 when there is none.</summary>
    public ulong Number(int field) => _fields.LastOrDefault(entry => entry.Field == field).Number;

    private ReadOnlyMemory<byte> Bytes(int field) => _fields.LastOrDefault(entry => entry.Field == field).Bytes;

    private static (ReadOnlyMemory<byte> Bytes, ulong Number) ReadValue(int wireType, ref ReadOnlyMemory<byte> message) => wireType switch
    {
        0 => (default, ReadVarint(ref message)),
        1 => (default, BinaryPrimitives.ReadUInt64LittleEndian(Take(8, ref message).Span)),
        2 => (Take((int)ReadVarint(ref message), ref message), 0),
        5 => (default, BinaryPrimitives.ReadUInt32LittleEndian(Take(4, ref message).Span)),
        _ => throw new InvalidDataException($"Unknown wire type {wireType}."),
    };

    private static ReadOnlyMemory<byte> Take(int length, ref ReadOnlyMemory<byte> message)
    {
        if (length < 0 || length > message.Length) throw new InvalidDataException("The message ends early.");
        var taken = message[..length];
        message = message[length..];
        return taken;
    }

    private static ulong ReadVarint(ref ReadOnlyMemory<byte> message)
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var next = Take(1, ref message).Span[0];
            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80) return value;
        }

        throw new InvalidDataException("A varint is too long.");
    }
}
