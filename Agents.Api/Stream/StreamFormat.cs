using Agents.Runs;

namespace Agents.Api.Stream;

/// <summary>
/// Tells the events of one run to one client. What is told of an event follows from the run's request and the events before it, and from nothing
/// else: a stream that is resumed goes on byte by byte as it would have. An instance belongs to one stream and hears the run's events in order.
/// </summary>
internal abstract class StreamFormat
{
    /// <summary>Whether what is told of an event depends on the events before it; then a resumed stream hears those too, and what it tells of them is dropped.</summary>
    public virtual bool Remembers => true;

    /// <summary>Headers beside those of every stream.</summary>
    public virtual void Prepare(IHeaderDictionary headers)
    {
    }

    /// <summary>Adds what there is to tell of an event: nothing, one frame or several.</summary>
    public abstract void Tell(RunEvent runEvent, List<StreamFrame> frames);
}
