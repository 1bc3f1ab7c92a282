namespace McpGateway.Endpoints.Streams;

/// <summary>Where a stream goes: a client's connection here, or another gateway that has it. It alone takes from the stream; everybody else only wakes it.</summary>
internal interface IStreamOutlet
{
    /// <summary>There is something new to take.</summary>
    void Wake();

    /// <summary>Ends it once what there is has been taken.</summary>
    /// <param name="retry">When the client should come back; null to leave it to the client.</param>
    void End(TimeSpan? retry);
}
