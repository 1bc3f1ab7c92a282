namespace Microsoft.Extensions.ServiceDiscovery;

/// <summary>Sends each request to an endpoint of the service its address names. The caller's request keeps the name.</summary>
internal sealed class ServiceDiscoveryHandler(ServiceEndpoints endpoints) : DelegatingHandler
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var named = request.RequestUri ?? throw new InvalidOperationException("The request has no address.");
        try
        {
            request.RequestUri = endpoints.Resolve(named);
            return await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            request.RequestUri = named;
        }
    }
}
