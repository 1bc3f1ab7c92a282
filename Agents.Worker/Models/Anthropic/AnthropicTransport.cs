namespace Agents.Worker.Models.Anthropic;

/// <summary>
/// What the SDK does not do: it sends the key as a bearer token only, and its exceptions carry neither <c>Retry-After</c> nor every body's text,
/// so a refusal is told before it sees one.
/// </summary>
internal sealed class AnthropicTransport(ModelOptions options, TimeProvider time) : DelegatingHandler
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (options is { ApiKeyHeader: { } header, ApiKey: { } key }) request.Headers.Add(header, key);
        var response = await base.SendAsync(request, cancellationToken).ConfigureAwait(false);
        try
        {
            await ModelRefusal.ThrowIfRefusedAsync(response, options.ApiKey, time, cancellationToken).ConfigureAwait(false);
            return response;
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }
}
