namespace Chaos.Fleet;

/// <summary>Looks again and again whether a session that serves one call at a time has two.</summary>
internal sealed class SerialWatch(IReadOnlyList<HttpMember> members)
{
    private readonly List<string> _seen = [];

    /// <summary>Looks taken.</summary>
    public int Looks { get; private set; }

    /// <summary>Where there were two.</summary>
    public IReadOnlyList<string> Seen => _seen;

    public async Task RunAsync(CancellationToken stop)
    {
        try
        {
            while (true)
            {
                foreach (var member in members)
                {
                    Looks++;
                    if (member.MostCallsOnOneSession() is > 1 and var calls) _seen.Add($"{calls} calls at once on a session of {member}");
                }

                await Clock.DelayAsync(5, stop);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The end of the run.
        }
    }
}
