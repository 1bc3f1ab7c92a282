using McpGateway.Upstreams;
using ServiceDefaults.Storage;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Looks at all that an operator has written before anything is made of it: what fails first would hide the rest.</summary>
internal static class ConfigurationCheck
{
    /// <exception cref="GatewayConfigurationException">Names everything that is wrong in options, configuration, file and storage directory.</exception>
    public static WebApplication CheckConfiguration(this WebApplication app)
    {
        string[] errors = [.. app.Services.GetRequiredService<GatewayOptions>().Check(), .. UpstreamErrors(app.Services), .. StorageErrors(app)];
        return errors.Length == 0 ? app : throw new GatewayConfigurationException(errors);
    }

    private static IEnumerable<string> UpstreamErrors(IServiceProvider services)
    {
        try
        {
            services.GetRequiredService<UpstreamSource>().Read();
            return [];
        }
        catch (GatewayConfigurationException exception)
        {
            return exception.Failures;
        }
    }

    /// <summary>With Redis a gateway may need no directory; whatever does need it says so itself.</summary>
    private static IEnumerable<string> StorageErrors(WebApplication app)
    {
        if (app.Configuration.GetConnectionString(LedgerExtensions.Cache) is { Length: > 0 }) return [];
        try
        {
            app.Services.GetRequiredService<StorageDirectory>();
            return [];
        }
        catch (InvalidOperationException exception)
        {
            return [exception.Message];
        }
    }
}
