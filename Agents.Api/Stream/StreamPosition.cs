using System.Globalization;
using Agents.Runs;

namespace Agents.Api.Stream;

/// <summary>
/// How far a client has heard a stream. On the wire it is the id of the frame heard last: the sequence of its event, <c>12</c>, when it was the
/// last frame of that event, else <c>12.1</c>, <c>12.2</c> … for the first, the second …, so that no frame is told twice or left out, wherever a connection broke.
/// </summary>
/// <param name="Sequence">All of the events up to this one were heard.</param>
/// <param name="Frames">So many frames of the next one were heard.</param>
internal readonly record struct StreamPosition(long Sequence, int Frames)
{
    /// <summary>Before the first event.</summary>
    public static StreamPosition Begin { get; }

    /// <summary>The id of a frame.</summary>
    /// <param name="sequence">The event's.</param>
    /// <param name="number">The frame's place among those of the event, from 1.</param>
    /// <param name="count">How many frames the event has.</param>
    public static string IdOf(long sequence, int number, int count) => number == count
        ? sequence.ToString(CultureInfo.InvariantCulture)
        : string.Create(CultureInfo.InvariantCulture, $"{sequence}.{number}");

    /// <summary>Where a request goes on: after <c>Last-Event-ID</c>, else after <c>?after=</c>, else from the begin.</summary>
    /// <returns>What is wrong with the request; null when nothing is.</returns>
    public static FieldError? Of(HttpRequest request, string? after, out StreamPosition position)
    {
        // A client that reconnects repeats its address: what it saw last counts for more than where it once began.
        var (field, id) = request.Headers["Last-Event-ID"].ToString() is { Length: > 0 } last ? ("Last-Event-ID", last) : ("after", after);
        position = Begin;
        return string.IsNullOrEmpty(id) || TryParse(id, out position)
            ? null
            : new FieldError(field, $"'{id}' is not the id of an event: ids are 1, 2, 3 …; 0 is before the first.");
    }

    /// <summary>Reads an id; <c>0</c> is before the first.</summary>
    private static bool TryParse(string id, out StreamPosition position)
    {
        position = Begin;
        var parts = id.Split('.');
        if (parts.Length > 2 || !long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var sequence))
            return false;
        position = new(sequence, 0);
        if (parts.Length == 1)
            return true;
        if (sequence == 0 || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var frames) || frames == 0)
            return false;
        position = new(sequence - 1, frames);
        return true;
    }
}
