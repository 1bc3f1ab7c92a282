namespace Aspire.Hosting.ApplicationModel;

public class RedisResource(string name) : ContainerResource(name), IResourceWithConnectionString
{
    internal const string EndpointName = "tcp";

    public EndpointReference PrimaryEndpoint => new(this, EndpointName);

    public ParameterResource? PasswordParameter { get; internal set; }

    /// <summary>A server somebody else runs, as given in the app host's configuration.</summary>
    internal string? GivenConnectionString { get; init; }

    public ReferenceExpression ConnectionStringExpression => (GivenConnectionString, PasswordParameter) switch
    {
        ({ } given, _) => ReferenceExpression.Create($"{given}"),
        (_, { } password) => ReferenceExpression.Create($"{PrimaryEndpoint.Property(EndpointProperty.HostAndPort)},password={password}"),
        _ => ReferenceExpression.Create($"{PrimaryEndpoint.Property(EndpointProperty.HostAndPort)}"),
    };

    public IEnumerable<KeyValuePair<string, ReferenceExpression>> GetConnectionProperties()
    {
        if (GivenConnectionString is not null)
            yield break;
        yield return new("Host", ReferenceExpression.Create($"{PrimaryEndpoint.Property(EndpointProperty.Host)}"));
        yield return new("Port", ReferenceExpression.Create($"{PrimaryEndpoint.Property(EndpointProperty.Port)}"));
        if (PasswordParameter is not { } password)
            yield break;
        yield return new("Password", ReferenceExpression.Create($"{password}"));
        yield return new("Uri", ReferenceExpression.Create($"redis://:{password}@{PrimaryEndpoint.Property(EndpointProperty.HostAndPort)}"));
    }
}
