using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting.Local;

/// <summary>One question asked of every replica; it is healthy when all of them are answered well.</summary>
internal abstract class LocalHealthAnnotation : IResourceAnnotation
{
    internal abstract string KeyFor(IResource resource);

    /// <summary>Null when healthy, else the reason.</summary>
    internal abstract Task<string?> CheckAsync(IResource resource, int replica, HttpClient client, CancellationToken cancellationToken);

    internal async Task<HealthReportSnapshot> ReportAsync(IResource resource, int replica, HttpClient client, CancellationToken cancellationToken)
    {
        var problem = await CheckAsync(resource, replica, client, cancellationToken).ConfigureAwait(false);
        return new HealthReportSnapshot(KeyFor(resource), problem is null ? HealthStatus.Healthy : HealthStatus.Unhealthy, problem, null);
    }
}

internal sealed class HttpHealthAnnotation(string path, int statusCode, string endpointName, TimeSpan timeout) : LocalHealthAnnotation
{
    internal override string KeyFor(IResource resource) => string.Create(CultureInfo.InvariantCulture, $"{resource.Name}_{endpointName}_{path}_{statusCode}_check");

    internal override async Task<string?> CheckAsync(IResource resource, int replica, HttpClient client, CancellationToken cancellationToken)
    {
        var endpoint = resource.Annotations.OfType<EndpointAnnotation>().FirstOrDefault(e => e.Name == endpointName);
        if (endpoint is null)
            return $"{path}: the resource has no endpoint '{endpointName}'";
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(timeout);
        try
        {
            using var response = await client.GetAsync(new Uri(new Uri(endpoint.UrlOf(replica)), path), HttpCompletionOption.ResponseHeadersRead, limit.Token).ConfigureAwait(false);
            return (int)response.StatusCode == statusCode ? null : string.Create(CultureInfo.InvariantCulture, $"{path} answers {(int)response.StatusCode}");
        }
        catch (HttpRequestException)
        {
            return $"{path} cannot be reached";
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return string.Create(CultureInfo.InvariantCulture, $"{path} gives no answer in {timeout.TotalSeconds} s");
        }
    }
}
