using System.Text.Json;

namespace McpGateway.Protocol;

/// <summary>
/// Copies a JSON object member by member, leaving some out and adding others, values untouched. Used where members have
/// to go or come, not just change: the <c>_meta</c> envelope and the few result members that only one era knows.
/// </summary>
internal static class ObjectRewrite
{
    /// <summary>Says whether a member stays.</summary>
    public delegate bool Keep(ref Utf8JsonReader name);

    /// <summary>Writes <paramref name="source"/> (an object, or empty for none) with the members kept, then <paramref name="added"/>: complete members, comma-separated.</summary>
    public static void Write(MessageBuffer output, ReadOnlySpan<byte> source, Keep keep, ReadOnlySpan<byte> added)
    {
        var any = false;
        output.Write("{"u8);
        if (!source.IsEmpty)
        {
            var reader = new Utf8JsonReader(source, new JsonReaderOptions { MaxDepth = 128 });
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var start = (int)reader.TokenStartIndex;
                var stays = keep(ref reader);
                reader.Read();
                reader.Skip();
                if (!stays) continue;
                if (any) output.Write(","u8);
                output.Write(source[start..(int)reader.BytesConsumed]);
                any = true;
            }
        }

        if (any && !added.IsEmpty) output.Write(","u8);
        output.Write(added);
        output.Write("}"u8);
    }
}
