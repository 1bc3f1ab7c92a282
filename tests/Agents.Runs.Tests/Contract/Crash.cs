namespace Agents.Runs.Tests.Contract;

/// <summary>Ends a process at its n-th step from <see cref="Arm"/> on: that step does not happen, nor does any after it.</summary>
internal sealed class Crash
{
    private int _left = int.MaxValue;

    /// <summary>Whether the process got that far.</summary>
    public bool Happened { get; private set; }

    public void Arm(int step) => _left = step;

    public void Step()
    {
        if (_left == int.MaxValue || --_left > 0) return;
        _left = 0;
        Happened = true;
        throw new CrashedException();
    }

    /// <summary>Does something that may be cut short.</summary>
    public async Task<bool> SurvivesAsync(Func<Task> work)
    {
        try
        {
            await work();
            return true;
        }
        catch (CrashedException)
        {
            return false;
        }
    }

    internal sealed class CrashedException : Exception;
}
