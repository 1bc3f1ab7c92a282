using System.Security.Cryptography;
using System.Text;

namespace Agents.Runs;

/// <summary>A caller's name for something of theirs.</summary>
internal static class OwnedName
{
    private const int Digits = 40;

    /// <summary>One name for caller and name, of fixed length and without either in clear.</summary>
    /// <param name="owner">The caller; null where nobody is authenticated, which is nobody else's.</param>
    /// <param name="name">The caller's name for it.</param>
    public static string DigestOf(string? owner, string name)
    {
        // The length keeps two pairs apart whose texts run together.
        var text = $"{(owner is null ? "-" : $"{owner.Length}:{owner}")}\n{name}";
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..Digits];
    }
}
