using System.Globalization;
using Agents.Runs;

namespace Agents.Api.Submit;

/// <summary>The preference <c>wait</c> of the header <c>Prefer</c> (RFC 7240, 4.3): answer when the run has ended, or after so many seconds.</summary>
internal static class Preference
{
    public const string Header = "Prefer";

    public const string Applied = "Preference-Applied";

    public const string Use = "'wait=N' waits up to N seconds, 1 to 200, for the run's end. Other preferences are ignored.";

    /// <summary>Ingresses cut requests at 240 s; no answer may take longer than this.</summary>
    public static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(200);

    /// <summary>How long to wait; null when the client did not ask. Other preferences are ignored, as the RFC wants.</summary>
    /// <param name="value">The header; several of them joined by commas.</param>
    /// <param name="error">What is wrong with the time.</param>
    public static TimeSpan? Wait(string? value, out FieldError? error)
    {
        error = null;
        // The first counts where one is given several times.
        var wait = (value ?? "").Split(',').Select(preference => preference.Split(';')[0].Split('=', 2, StringSplitOptions.TrimEntries))
            .FirstOrDefault(preference => preference[0].Equals("wait", StringComparison.OrdinalIgnoreCase));
        if (wait is null)
            return null;
        var text = wait.Length == 2 ? wait[1].Trim('"') : "";
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds >= 1 && seconds <= MaxWait.TotalSeconds)
            return TimeSpan.FromSeconds(seconds);
        error = new(Header, $"wait is '{text}': use 1 to {MaxWait.TotalSeconds:0} seconds, such as 'wait=30', or leave it out and follow the run's events.");
        return null;
    }
}
