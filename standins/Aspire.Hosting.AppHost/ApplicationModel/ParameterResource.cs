namespace Aspire.Hosting.ApplicationModel;

public class ParameterResource(string name, Func<string> valueGetter, bool secret) : Resource(name), IManifestExpressionProvider, IValueProvider
{
    public bool Secret { get; } = secret;

    public string ValueExpression => $"{{{Name}.value}}";

    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken) => ValueTask.FromResult<string?>(valueGetter());

    ValueTask<string?> IValueProvider.GetValueAsync(CancellationToken cancellationToken) => GetValueAsync(cancellationToken);
}
