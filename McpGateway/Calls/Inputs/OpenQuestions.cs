using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

namespace McpGateway.Calls.Inputs;

/// <summary>The questions of one call that are still open. Those of a modern client belong to the call's owner; those of a legacy one are answered as they come.</summary>
internal sealed class OpenQuestions : IDisposable
{
    private int _asked;

    /// <summary>Questions that a modern client has still to answer, by the gateway's key, in the order they were asked.</summary>
    public SortedDictionary<string, ServerQuestion> Kept { get; } = new(StringComparer.Ordinal);

    /// <summary>Questions that a legacy client has been asked, by the upstream's id.</summary>
    public ConcurrentDictionary<string, PendingQuestion> Pending { get; } = new(StringComparer.Ordinal);

    /// <summary>How many there have been; the name of the round in a sealed state.</summary>
    public int Asked => _asked;

    /// <summary>The upstream's id as a key.</summary>
    public static string KeyOf(ReadOnlySpan<byte> id) => Encoding.UTF8.GetString(id);

    /// <summary>Keeps a question under a key that no other question of this call has had.</summary>
    public void Keep(ServerQuestion question) => Kept.Add(Key(_asked++), question);

    /// <summary>The key for the n-th question.</summary>
    public static string Key(int number) => number.ToString("'question-'0000", CultureInfo.InvariantCulture);

    /// <summary>Forgets a kept question that the upstream has taken back.</summary>
    public void Forget(ReadOnlySpan<byte> id)
    {
        foreach (var (key, question) in Kept)
        {
            if (!question.Id.Span.SequenceEqual(id)) continue;
            Kept.Remove(key);
            question.Dispose();
            return;
        }
    }

    public void Dispose()
    {
        foreach (var question in Kept.Values) question.Dispose();
        Kept.Clear();
    }
}
