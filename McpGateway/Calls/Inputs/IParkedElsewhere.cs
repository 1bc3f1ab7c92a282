namespace McpGateway.Calls.Inputs;

/// <summary>Calls that are parked at other gateways, which alone can go on with them.</summary>
internal interface IParkedElsewhere
{
    /// <summary>Has the gateway that holds a call go on with it, and passes what it says to the client, to the answer.</summary>
    /// <param name="call">The client's request, whose state has been verified.</param>
    /// <param name="owner">Who holds it.</param>
    /// <param name="cancellationToken">Cancelled when the client gives the call up, which ends it there too.</param>
    /// <returns>False when that gateway is dead, silent, or knows nothing of the kind: then nothing has been sent upstream, and nothing to the client.</returns>
    Task<bool> TryGoOnAsync(GatewayCall call, string owner, CancellationToken cancellationToken);
}
