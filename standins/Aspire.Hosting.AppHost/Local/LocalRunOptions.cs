using System.ComponentModel.DataAnnotations;

namespace Aspire.Hosting.Local;

/// <summary>Section <c>LocalRun</c> of the app host's configuration. All times in seconds.</summary>
internal sealed class LocalRunOptions
{
    internal const string Section = "LocalRun";

    /// <summary>How long a process may take to end after SIGTERM before it is killed (1 to 90). Longer than a service drains by default (30).</summary>
    [Range(1, 90)]
    public double StopTimeout { get; set; } = 35;

    /// <summary>Delay before the first restart of a crashed process (0.05 to 60); it doubles with each crash.</summary>
    [Range(0.05, 60)]
    public double RestartDelay { get; set; } = 1;

    /// <summary>The longest delay between restarts (0.05 to 600).</summary>
    [Range(0.05, 600)]
    public double MaxRestartDelay { get; set; } = 30;

    /// <summary>A process that ran this long starts again at the shortest delay (1 to 3600).</summary>
    [Range(1, 3600)]
    public double StableAfter { get; set; } = 60;

    /// <summary>A process that ended this many times without once being healthy counts as failed to start (1 to 20). It is still restarted.</summary>
    [Range(1, 20)]
    public int FailedStarts { get; set; } = 3;
}
