namespace McpGateway.Upstreams.Links;

/// <summary>What a child process gets to know: four variables everything needs, and what its own configuration names. The gateway's secrets are not among them.</summary>
internal static class ChildEnvironment
{
    private static readonly string[] s_inherited = ["PATH", "HOME", "LANG", "TMPDIR"];

    /// <summary>True for a variable that every child has.</summary>
    public static bool Inherits(string name) => s_inherited.Contains(name, StringComparer.Ordinal);

    public static void Apply(IDictionary<string, string?> environment, IReadOnlyDictionary<string, string> own)
    {
        var kept = s_inherited.Where(environment.ContainsKey).ToDictionary(name => name, name => environment[name]);
        environment.Clear();
        foreach (var (name, value) in kept) environment[name] = value;
        foreach (var (name, value) in own) environment[name] = value;
    }
}
