namespace Aspire.Hosting.Local;

/// <summary>How long to wait before a process that ended is started again: doubling, capped, forgotten after a stable run.</summary>
internal sealed class RestartBackoff(LocalRunOptions options)
{
    /// <summary>Restarts since the last stable run.</summary>
    internal int Restarts { get; private set; }

    /// <summary>Runs in a row that ended before they were healthy once.</summary>
    internal int FailedStarts { get; private set; }

    internal TimeSpan Next(TimeSpan ran, bool wasHealthy)
    {
        if (wasHealthy && ran.TotalSeconds >= options.StableAfter)
            Restarts = 0;
        FailedStarts = wasHealthy ? 0 : FailedStarts + 1;
        var seconds = options.RestartDelay * Math.Pow(2, Restarts++);
        return TimeSpan.FromSeconds(Math.Min(seconds, options.MaxRestartDelay));
    }
}
