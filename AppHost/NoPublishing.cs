namespace Aspire.Hosting;

/// <summary>Without the real packages there is nothing to publish with; <c>Publishing/</c> takes this file's place when UseAspire is true.</summary>
internal static class NoPublishing
{
    internal static IDistributedApplicationBuilder AddPublishing(this IDistributedApplicationBuilder builder) => builder;
}
