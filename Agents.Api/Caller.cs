using System.Security.Claims;

namespace Agents.Api;

/// <summary>Who calls.</summary>
internal static class Caller
{
    private const string Subject = "sub";

    /// <summary>
    /// The caller's principal, issuer and subject in one, as it is kept with what they make; null where nobody is authenticated.
    /// </summary>
    public static string? Owner(this ClaimsPrincipal caller)
    {
        if (caller.Identity is not { IsAuthenticated: true })
            return null;
        var subject = caller.FindFirst(Subject) ?? caller.FindFirst(ClaimTypes.NameIdentifier)
            ?? throw new InvalidOperationException("An authenticated caller without a subject: the authentication scheme must give a 'sub' claim.");
        return $"{subject.Issuer} {subject.Value}";
    }
}
