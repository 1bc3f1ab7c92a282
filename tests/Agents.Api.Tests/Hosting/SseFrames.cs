using System.Text.Json;

namespace Agents.Api.Tests.Hosting;

/// <summary>One event of a stream, read by the rules of the standard.</summary>
internal sealed record SseFrame(string Id, string Event, string Data)
{
    public JsonElement Json => JsonSerializer.Deserialize<JsonElement>(Data);
}

internal static class SseFrames
{
    public static async Task<SseFrame?> NextAsync(this StreamReader stream)
    {
        string id = "", type = "", data = "";
        while (await stream.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
        {
            if (line.Length == 0 && data.Length > 0)
                return new SseFrame(id, type, data);
            if (line.StartsWith("id: ", StringComparison.Ordinal))
                id = line[4..];
            else if (line.StartsWith("event: ", StringComparison.Ordinal))
                type = line[7..];
            else if (line.StartsWith("data: ", StringComparison.Ordinal))
                data += line[6..];
        }

        return null;
    }

    public static async Task<List<SseFrame>> AllAsync(this StreamReader stream)
    {
        var frames = new List<SseFrame>();
        while (await stream.NextAsync() is { } frame)
            frames.Add(frame);
        return frames;
    }

    public static Task<List<SseFrame>> ParseAsync(string text) =>
        new StreamReader(new MemoryStream(System.Text.Encoding.UTF8.GetBytes(text))).AllAsync();
}
