using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Local;

namespace Aspire.Hosting;

/// <summary>The Redis of this machine, if it has one.</summary>
internal static class RedisServer
{
    private static readonly string[] Programs = ["redis-server", "valkey-server"];

    /// <param name="redis">The resource.</param>
    /// <param name="storageDirectory">Where its data goes, in a directory of its name.</param>
    /// <param name="find">The path of a program of this name; null when the machine has none.</param>
    internal static LocalRun Choose(RedisResource redis, string storageDirectory, Func<string, string?> find)
    {
        if (redis.GivenConnectionString is { } given)
            return new LocalRun.External($"given: {given.Split(',')[0]}");
        return Programs.Select(find).FirstOrDefault(path => path is not null) is { } program
            ? Start(redis, program, Path.Combine(storageDirectory, redis.Name))
            : new LocalRun.Unused($"no redis-server on PATH; SQLite in {storageDirectory}");
    }

    private static LocalRun.Command Start(RedisResource redis, string program, string directory)
    {
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(directory);
        else
            Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return new LocalRun.Command(program, ["-"], directory) { Input = cancellationToken => SettingsAsync(redis, directory, cancellationToken) };
    }

    // Settings go in through standard input: a password among the arguments would show in the process list.
    private static async Task<string> SettingsAsync(RedisResource redis, string directory, CancellationToken cancellationToken)
    {
        var lines = new List<string>
        {
            "bind 127.0.0.1",
            string.Create(CultureInfo.InvariantCulture, $"port {redis.PrimaryEndpoint.Port}"),
            $"dir {Quote(directory)}",
            "save \"\"",
            redis.Annotations.OfType<RedisPersistenceAnnotation>().Any() ? "appendonly yes" : "appendonly no",
        };
        if (redis.PasswordParameter is { } password)
            lines.Add($"requirepass {Quote(await password.GetValueAsync(cancellationToken).ConfigureAwait(false) ?? "")}");
        return string.Join('\n', lines) + "\n";
    }

    private static string Quote(string text) => $"\"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
}
