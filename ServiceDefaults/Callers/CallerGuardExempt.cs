namespace ServiceDefaults.Callers;

/// <summary>Endpoint metadata: any caller may reach this endpoint under any host name. Only for health endpoints.</summary>
internal sealed class CallerGuardExempt
{
    public static readonly CallerGuardExempt Instance = new();
}

/// <summary>Endpoint metadata: this endpoint checks content type and encoding of its bodies itself.</summary>
internal sealed class OwnBodyRule
{
    public static readonly OwnBodyRule Instance = new();
}
