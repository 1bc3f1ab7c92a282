using System.Text.Json;

namespace Aspire.Hosting.Local;

/// <summary>What the app host takes from a profile in a project's <c>Properties/launchSettings.json</c>.</summary>
internal sealed record LaunchProfile(string Name, IReadOnlyList<Uri> Urls, IReadOnlyDictionary<string, string> EnvironmentVariables)
{
    private static readonly JsonDocumentOptions Lenient = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    /// <summary>The first profile that starts the project itself; null when the project has none.</summary>
    internal static LaunchProfile? ReadDefault(string projectPath) => ReadAll(projectPath).FirstOrDefault();

    internal static LaunchProfile Read(string projectPath, string name)
    {
        var profiles = ReadAll(projectPath);
        return profiles.FirstOrDefault(profile => profile.Name == name)
            ?? throw new DistributedApplicationException($"'{PathOf(projectPath)}' has no launch profile '{name}'. It has: {string.Join(", ", profiles.Select(profile => profile.Name))}.");
    }

    private static string PathOf(string projectPath) => Path.Combine(Path.GetDirectoryName(projectPath)!, "Properties", "launchSettings.json");

    private static List<LaunchProfile> ReadAll(string projectPath)
    {
        var path = PathOf(projectPath);
        if (!File.Exists(path))
            return [];
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllText(path), Lenient);
            return document.RootElement.TryGetProperty("profiles", out var profiles)
                ? [.. profiles.EnumerateObject().Where(IsProject).Select(Parse)]
                : [];
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or UriFormatException)
        {
            throw new DistributedApplicationException($"'{path}' cannot be read: {exception.Message}", exception);
        }
    }

    private static bool IsProject(JsonProperty profile) =>
        profile.Value.TryGetProperty("commandName", out var command) && command.GetString() == "Project";

    private static LaunchProfile Parse(JsonProperty profile)
    {
        var urls = profile.Value.TryGetProperty("applicationUrl", out var value) ? value.GetString() ?? "" : "";
        var variables = profile.Value.TryGetProperty("environmentVariables", out var members)
            ? members.EnumerateObject().ToDictionary(member => member.Name, member => member.Value.GetString() ?? "")
            : [];
        return new LaunchProfile(profile.Name, [.. urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(url => new Uri(url))], variables);
    }
}
