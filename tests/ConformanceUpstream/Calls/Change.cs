namespace ConformanceUpstream.Calls;

/// <summary>Something that changed at the server, of which those who asked for it are told.</summary>
/// <param name="Method">The notification.</param>
/// <param name="Uri">The resource that changed; null when a list did, which concerns all who listen.</param>
internal sealed record Change(string Method, string? Uri = null)
{
    public static Change OfList(string list) => new($"notifications/{list}/list_changed");

    public static Change OfResource(string uri) => new("notifications/resources/updated", uri);
}
