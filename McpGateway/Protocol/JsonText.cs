using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace McpGateway.Protocol;

/// <summary>Text in and out of JSON bytes.</summary>
internal static class JsonText
{
    /// <summary>The text of a JSON string with its quotes; null for anything else, and for one that escapes half a surrogate pair and so is no text.</summary>
    public static string? Read(ReadOnlySpan<byte> json)
    {
        if (json.Length < 2 || json[0] != '"') return null;
        if (!json.Contains((byte)'\\')) return Encoding.UTF8.GetString(json[1..^1]);
        var reader = new Utf8JsonReader(json);
        try
        {
            return reader.Read() ? reader.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>Escapes what JSON asks for and nothing more: no answer of the gateway is ever put into HTML.</summary>
    public static JavaScriptEncoder Encoder => JavaScriptEncoder.UnsafeRelaxedJsonEscaping;

    /// <summary>The text as a JSON string, quotes included.</summary>
    public static byte[] Write(string text) => [(byte)'"', .. JsonEncodedText.Encode(text, Encoder).EncodedUtf8Bytes, (byte)'"'];
}
