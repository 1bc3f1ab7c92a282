using McpGateway.Sessions;

namespace McpGateway.Upstreams.Links;

/// <summary>
/// An upstream of several replicas without affinity refuses a good session whenever a request reaches one that does not hold it.
/// Such a request has not run and goes out again: a few times at first, oftener once that has been seen to help.
/// </summary>
internal sealed class ReplicaRepeats
{
    private const int First = 2;
    private const int Proven = 12;

    private volatile int _most = First;

    public bool Allow(UpstreamException refused, int repeats) => refused.MayBeReplica && repeats < _most;

    public void Passed(int repeats)
    {
        if (repeats > 0) _most = Proven;
    }
}
