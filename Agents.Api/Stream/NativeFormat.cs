using System.Text.Json;
using Agents.Runs;

namespace Agents.Api.Stream;

/// <summary>Our own format: each event as it is stored, its type as the event's name.</summary>
internal sealed class NativeFormat : StreamFormat
{
    public override bool Remembers => false;

    public override void Tell(RunEvent runEvent, List<StreamFrame> frames) =>
        frames.Add(new(JsonSerializer.SerializeToUtf8Bytes(runEvent, RunsJson.Options), runEvent.Type));
}
