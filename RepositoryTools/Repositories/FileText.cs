using System.Text;

namespace RepositoryTools.Repositories;

/// <summary>The text of a file as lines, or the reason why it has none.</summary>
/// <param name="Text">The whole text; null when refused.</param>
/// <param name="Refusal">Why the file is not read: too large, binary, gone, unreadable; null when it was.</param>
internal sealed record FileText(string? Text, string? Refusal)
{
    /// <summary>Larger files are not read, in bytes.</summary>
    internal const long MaxBytes = 2 * 1024 * 1024;

    /// <summary>Reads a file. Bytes that are no UTF-8 become replacement characters; a byte order mark decides and is dropped.</summary>
    internal static FileText Read(string fullPath)
    {
        try
        {
            if (Directory.Exists(fullPath))
            {
                return new(null, "it is a folder");
            }

            var file = new FileInfo(fullPath);
            if (!file.Exists)
            {
                return new(null, "it does not exist");
            }

            // Pipes and devices say 0 as well, and opening a pipe would wait for its writer.
            if (file.Length == 0)
            {
                return new("", null);
            }

            return file.Length > MaxBytes
                ? new(null, $"it has {file.Length} bytes, more than the {MaxBytes} that are read")
                : Decode(File.ReadAllBytes(fullPath));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new(null, $"it cannot be read ({exception.GetType().Name})");
        }
    }

    /// <summary>The lines of a text, without their ends.</summary>
    internal static string[] Lines(string text)
    {
        var lines = text.Split('\n');
        for (var i = 0; i < lines.Length; i++)
        {
            if (lines[i].EndsWith('\r'))
            {
                lines[i] = lines[i][..^1];
            }
        }

        return lines.Length > 0 && lines[^1].Length == 0 ? lines[..^1] : lines;
    }

    private static FileText Decode(byte[] bytes)
    {
        var (encoding, skip) = bytes switch
        {
            [0xEF, 0xBB, 0xBF, ..] => (Encoding.UTF8, 3),
            [0xFF, 0xFE, ..] => (Encoding.Unicode, 2),
            [0xFE, 0xFF, ..] => (Encoding.BigEndianUnicode, 2),
            _ => (Encoding.UTF8, 0),
        };
        var text = encoding.GetString(bytes, skip, bytes.Length - skip);
        return text.Contains('\0', StringComparison.Ordinal) ? new(null, "it is binary") : new(text, null);
    }
}
