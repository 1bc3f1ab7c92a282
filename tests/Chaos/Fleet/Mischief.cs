namespace Chaos.Fleet;

/// <summary>Makes upstreams misbehave, one after another and at random, until it is stopped.</summary>
internal sealed class Mischief(IReadOnlyList<FleetMember> members, int seed)
{
    private readonly Random _random = new(seed);

    public async Task RunAsync(CancellationToken stop)
    {
        try
        {
            while (!stop.IsCancellationRequested)
            {
                await members[_random.Next(members.Count)].MisbehaveAsync(_random, stop);
                await Clock.DelayAsync(_random.Next(20, 250), stop);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Enough.
        }
    }
}
