using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace McpGateway.Upstreams;

/// <summary>
/// Where the upstreams are written: the built-in one, <c>Gateway:Upstreams</c> in configuration, then the file. A later one of
/// the same name replaces an earlier one, or removes it with <c>"disabled": true</c>.
/// </summary>
internal sealed class UpstreamSource(IConfiguration configuration, IHostEnvironment environment)
{
    private const string DefaultFile = "mcp.json";

    private static readonly JsonDocumentOptions s_lenient = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    private readonly string? _configured = configuration["Gateway:ConfigFile"];

    /// <summary>The file's full path, whether or not it exists.</summary>
    public string File { get; } = Path.GetFullPath(configuration["Gateway:ConfigFile"] ?? DefaultFile, environment.ContentRootPath);

    /// <summary>Reads all of it anew.</summary>
    /// <exception cref="GatewayConfigurationException">Anything in it cannot be used; names every error.</exception>
    public ImmutableSortedDictionary<string, UpstreamConfig> Read()
    {
        var errors = new List<string>();
        var upstreams = ImmutableSortedDictionary.CreateBuilder<string, UpstreamConfig>(StringComparer.Ordinal);
        var known = new SortedSet<string>(StringComparer.Ordinal);
        if (BuiltInRepository.Read(configuration, environment, errors) is { } repository)
        {
            known.Add(repository.Name);
            upstreams[repository.Name] = repository;
        }

        Put(upstreams, "Gateway:Upstreams", environment.ContentRootPath, FromConfiguration(), errors, known);
        if (ReadFile(errors) is { } servers) Put(upstreams, File, Path.GetDirectoryName(File)!, servers, errors, known);
        errors.AddRange(AlikeNames(known));
        errors.AddRange(CallerRules.Read(configuration).Check(known));
        return errors.Count == 0 ? upstreams.ToImmutable() : throw new GatewayConfigurationException(errors);
    }

    private static void Put(ImmutableSortedDictionary<string, UpstreamConfig>.Builder upstreams, string source, string directory, JsonObject servers, List<string> errors, SortedSet<string> known)
    {
        var disabled = new List<string>();
        var order = upstreams.Count == 0 ? 0 : upstreams.Values.Max(static config => config.Order) + 1;
        foreach (var config in new McpServersReader(source, directory, errors, disabled).Read(servers)) upstreams[config.Name] = config with { Order = order++ };
        upstreams.RemoveRange(disabled);
        known.UnionWith(servers.Select(static server => server.Key));
    }

    /// <summary>Whose rules those of <see cref="CallerRules"/> are must not depend on letter case, which neither they nor environment variables keep apart.</summary>
    private static IEnumerable<string> AlikeNames(IEnumerable<string> names) =>
        from alike in names.GroupBy(static name => name, StringComparer.OrdinalIgnoreCase)
        where alike.Count() > 1
        select $"The upstreams {string.Join(" and ", alike.Select(static name => $"'{name}'"))} differ in letter case alone, which {CallerRules.Section} does not tell apart. Rename one, or spell both alike where the one is to replace the other.";

    private JsonObject? ReadFile(List<string> errors)
    {
        try
        {
            var root = UniqueMembers.Parse(System.IO.File.ReadAllText(File), s_lenient, File, errors);
            if (root is JsonObject file && file["mcpServers"] is JsonObject servers) return servers;
            errors.Add($"{File}: must be an object with the member \"mcpServers\".");
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            if (_configured is not null) errors.Add($"Gateway:ConfigFile names {File}, which does not exist. Create it or correct the path.");
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or ArgumentException)
        {
            errors.Add($"{File}: is not valid JSON: {exception.Message}");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            errors.Add($"{File}: cannot be read: {exception.Message}");
        }

        return null;
    }

    private JsonObject FromConfiguration()
    {
        var servers = new JsonObject();
        foreach (var section in configuration.GetSection("Gateway:Upstreams").GetChildren()) servers[section.Key] = ToNode(section);
        return servers;
    }

    /// <summary>A part of the configuration as the JSON it may have been written as.</summary>
    public static JsonNode? ToNode(IConfigurationSection section)
    {
        var children = section.GetChildren().ToArray();
        if (children.Length == 0) return JsonValue.Create(section.Value);
        // Environment variables are mostly written in capitals.
        var node = new JsonObject(new JsonNodeOptions { PropertyNameCaseInsensitive = true });
        foreach (var child in children) node[child.Key] = ToNode(child);
        return node;
    }
}
