namespace Benchmarks.Servers;

/// <summary>Programs that a machine may have or not; where one is missing, its column stays empty.</summary>
internal static class Programs
{
    public static string? Nginx() => Find("nginx", "/usr/sbin");

    /// <summary>Node.js; that of <c>tests/npm</c> where the machine's was too old.</summary>
    public static string? Node() => Find("node", RepositoryRoot.PathOf("tests", "npm", "node_modules", "node", "bin"));

    /// <summary>Whether there is a Redis server to start.</summary>
    public static bool HasRedis() => (Find("redis-server", "/usr/bin") ?? Find("valkey-server", "/usr/bin")) is not null;

    private static string? Find(string program, string extra) => (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
        .Prepend(extra)
        .Select(folder => Path.Combine(folder, program))
        .FirstOrDefault(File.Exists);
}
