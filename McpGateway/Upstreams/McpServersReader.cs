using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using McpGateway.Sessions;
using McpGateway.Upstreams.Links;

namespace McpGateway.Upstreams;

/// <summary>
/// Reads upstreams in the ecosystem's <c>mcpServers</c> format, so that a user can paste what a client already has. Members
/// it does not know are left alone, since every client adds its own. Collects every error instead of stopping at the first.
/// </summary>
internal sealed partial class McpServersReader(string source, string directory, List<string> errors, ICollection<string> disabled)
{
    /// <summary>Seconds; far above every bound, so that the bound's own error is given, and within what a time span holds.</summary>
    private const double LongestDuration = 1e9;

    private readonly List<string> _errors = errors;

    /// <summary>What <c>${NAME}</c> has stood for in the upstream that is being read.</summary>
    private readonly List<string> _expanded = [];

    public IEnumerable<UpstreamConfig> Read(JsonObject servers)
    {
        foreach (var (name, node) in servers)
        {
            var where = $"{source}: {name}";
            if (!NamePattern().IsMatch(name) || name.Contains("__", StringComparison.Ordinal))
                _errors.Add($"{where}: the name must be 1 to 32 of letters, digits, '-' and '_', without '__', since it becomes part of tool names. Rename it.");
            else if (node is not JsonObject server) _errors.Add($"{where}: must be an object with \"command\" or \"url\".");
            else if (ReadFlag(server, "disabled", where)) disabled.Add(name);
            else if (ReadOne(name, where, server) is { } config) yield return config;
        }
    }

    private UpstreamConfig? ReadOne(string name, string where, JsonObject server)
    {
        var before = _errors.Count;
        _expanded.Clear();
        var command = Text(server, "command", where);
        var url = ReadUrl(server, where);
        var transport = ReadTransport(server, where, command, url);
        if (server["command"] is null == server["url"] is null) _errors.Add($"{where}: needs either \"command\" (a local process) or \"url\" (a remote server){(server["command"] is null ? "" : ", not both")}.");
        var config = new UpstreamConfig
        {
            Name = name,
            Transport = transport,
            Command = command,
            Url = url,
            Args = [.. Texts(server, "args", where)],
            Env = Pairs(server, "env", where),
            Headers = ReadHeaders(server, where),
            WorkingDirectory = ReadDirectory(server, where),
            Trusted = ReadFlag(server, "trusted", where),
            Roots = ReadFlag(server, "roots", where),
            Access = AccessReader.Read(server, where, _errors),
            Pool = ReadPool(server, where, transport),
            // The last: everything has been read by now.
            Expanded = [.. _expanded],
        };
        return _errors.Count == before ? config : null;
    }

    private UpstreamTransport ReadTransport(JsonObject server, string where, string? command, Uri? url)
    {
        var type = Text(server, "type", where) ?? Text(server, "transport", where);
        var transport = type switch
        {
            null => command is not null ? UpstreamTransport.Stdio : UpstreamTransport.Auto,
            "stdio" => UpstreamTransport.Stdio,
            "http" or "streamable-http" or "streamableHttp" => UpstreamTransport.Http,
            "sse" => UpstreamTransport.Sse,
            _ => Refuse(),
        };
        if (transport == UpstreamTransport.Stdio && url is not null && command is null) _errors.Add($"{where}: type \"stdio\" goes with \"command\", not with \"url\".");
        if (transport is UpstreamTransport.Http or UpstreamTransport.Sse && command is not null && url is null) _errors.Add($"{where}: type \"{type}\" goes with \"url\", not with \"command\".");
        return transport;

        UpstreamTransport Refuse()
        {
            _errors.Add($"{where}: type \"{type}\" is not known; use \"stdio\", \"http\" or \"sse\", or leave it out.");
            return UpstreamTransport.Auto;
        }
    }

    private Uri? ReadUrl(JsonObject server, string where)
    {
        if (Text(server, "url", where) is not { } text) return null;
        if (Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https")
        {
            if (url.UserInfo.Length == 0) return url;
            _errors.Add($"{where}: \"url\" holds a user name or password; put the credential under \"headers\".");
            return url;
        }

        _errors.Add($"{where}: \"url\" must be an absolute http or https address.");
        return null;
    }

    private string? ReadDirectory(JsonObject server, string where)
    {
        if (Text(server, "cwd", where) is not { } path) return directory;
        var full = Path.GetFullPath(path, directory);
        if (!Directory.Exists(full)) _errors.Add($"{where}: \"cwd\" {full} does not exist.");
        return full;
    }

    private bool ReadFlag(JsonObject server, string member, string where)
    {
        if (server[member] is not { } node) return false;
        if (bool.TryParse(Scalar(node), out var set)) return set;
        _errors.Add($"{where}: \"{member}\" is {node.ToJsonString()}; it must be true or false.");
        return false;
    }

    /// <summary>What HTTP cannot carry would be left out without a word, and the upstream would answer 401.</summary>
    private ImmutableSortedDictionary<string, string> ReadHeaders(JsonObject server, string where)
    {
        var headers = Pairs(server, "headers", where);
        foreach (var (name, value) in headers)
        {
            if (!HeaderNamePattern().IsMatch(name)) _errors.Add($"{where}: headers.{name} is no name of an HTTP header.");
            if (value.Any(c => c is < ' ' or > '~')) _errors.Add($"{where}: headers.{name} holds a line end or another character that a header cannot carry; check the variable it comes from.");
        }

        return headers;
    }

    private PoolOptions ReadPool(JsonObject server, string where, UpstreamTransport transport)
    {
        var options = new PoolOptions();
        if (transport == UpstreamTransport.Stdio) options = options with { Max = 8 };
        if (server["pool"] is null) return options;
        if (server["pool"] is not JsonObject pool)
        {
            _errors.Add($"{where}: \"pool\" must be an object.");
            return options;
        }

        foreach (var (key, value) in pool) options = Set(options, key, value, $"{where}: pool.{key}");
        _errors.AddRange(options.Check().Select(error => $"{where}: {error}"));
        return options;
    }

    private PoolOptions Set(PoolOptions options, string key, JsonNode? value, string where) => key switch
    {
        "mode" => options with { Mode = Mode(value, where, options.Mode) },
        "minIdle" => options with { MinIdle = Number(value, where, options.MinIdle) },
        "max" => options with { Max = Number(value, where, options.Max) },
        "maxUses" => options with { MaxUses = Number(value, where, options.MaxUses) },
        "maxWaiting" => options with { MaxWaiting = Number(value, where, options.MaxWaiting) },
        "acquireTimeout" => options with { AcquireTimeout = Duration(value, where, options.AcquireTimeout) },
        "pinHold" => options with { PinHold = Duration(value, where, options.PinHold) },
        "maxLifetime" => options with { MaxLifetime = Duration(value, where, options.MaxLifetime) },
        "idleTimeout" => options with { IdleTimeout = Duration(value, where, options.IdleTimeout) },
        "keepAlive" => options with { KeepAlive = Duration(value, where, options.KeepAlive) },
        "bypassWindow" => options with { BypassWindow = Duration(value, where, options.BypassWindow) },
        "openTimeout" => options with { OpenTimeout = Duration(value, where, options.OpenTimeout) },
        "callTimeout" => options with { CallTimeout = Duration(value, where, options.CallTimeout) },
        "inputTimeout" => options with { InputTimeout = Duration(value, where, options.InputTimeout) },
        "maxParked" => options with { MaxParked = Number(value, where, options.ParkedAtMost) },
        "handshakesPerMinute" => options with { HandshakesPerMinute = Number(value, where, options.HandshakesPerMinute) },
        _ => Unknown(options, where),
    };

    private PoolOptions Unknown(PoolOptions options, string where)
    {
        _errors.Add($"{where} is not known; known are mode, minIdle, max, maxUses, maxWaiting, acquireTimeout, pinHold, maxLifetime, idleTimeout, keepAlive, bypassWindow, openTimeout, callTimeout, inputTimeout, maxParked, handshakesPerMinute.");
        return options;
    }

    private PoolMode Mode(JsonNode? value, string where, PoolMode fallback)
    {
        switch (Scalar(value))
        {
            case "auto": return PoolMode.Auto;
            case "pinned": return PoolMode.Pinned;
            case "single-use": return PoolMode.SingleUse;
            case "exclusive": return PoolMode.Exclusive;
            case "shared": return PoolMode.Shared;
            default:
                _errors.Add($"{where} is {value?.ToJsonString() ?? "null"}; use auto, pinned, single-use, exclusive or shared.");
                return fallback;
        }
    }

    private int Number(JsonNode? value, string where, int fallback)
    {
        if (int.TryParse(Scalar(value), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)) return number;
        _errors.Add($"{where} is {value?.ToJsonString() ?? "null"}; it must be a whole number.");
        return fallback;
    }

    private TimeSpan Duration(JsonNode? value, string where, TimeSpan fallback)
    {
        var text = Scalar(value) ?? "";
        if (double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) && seconds < LongestDuration) return TimeSpan.FromSeconds(seconds);
        if (text.Contains(':', StringComparison.Ordinal) && TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var span)) return span;
        if (DurationPattern().Match(text) is { Success: true } match)
        {
            var amount = double.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture);
            amount *= match.Groups[2].Value switch { "ms" => 0.001, "s" => 1, "m" => 60, _ => 3600 };
            if (amount < LongestDuration) return TimeSpan.FromSeconds(amount);
        }

        _errors.Add($"{where} is {value?.ToJsonString() ?? "null"}; give seconds (30), a unit (\"500ms\", \"30s\", \"5m\", \"1h\") or hh:mm:ss.");
        return fallback;
    }

    private ImmutableSortedDictionary<string, string> Pairs(JsonObject server, string member, string where)
    {
        if (server[member] is null) return ImmutableSortedDictionary<string, string>.Empty;
        if (server[member] is JsonObject pairs)
            return pairs.Select(pair => KeyValuePair.Create(pair.Key, Item(pair.Value, $"{where}: {member}.{pair.Key}"))).ToImmutableSortedDictionary(StringComparer.Ordinal);
        _errors.Add($"{where}: \"{member}\" must be an object of texts.");
        return ImmutableSortedDictionary<string, string>.Empty;
    }

    private string[] Texts(JsonObject server, string member, string where)
    {
        switch (server[member])
        {
            case null: return [];
            // .NET configuration turns an empty array into an empty text.
            case JsonValue value when value.ToString().Length == 0: return [];
            case JsonArray items: return [.. items.Select((item, i) => Item(item, $"{where}: {member}[{i}]"))];
            // .NET configuration turns an array into an object with the indexes as names.
            case JsonObject items when items.All(item => int.TryParse(item.Key, out _)):
                return items.OrderBy(item => int.Parse(item.Key, CultureInfo.InvariantCulture)).Select(item => Item(item.Value, $"{where}: {member}[{item.Key}]")).ToArray();
            default:
                _errors.Add($"{where}: \"{member}\" must be an array of texts.");
                return [];
        }
    }

    private string Item(JsonNode? node, string where)
    {
        if (Scalar(node) is { } text) return Expand(text, where);
        _errors.Add($"{where} must be a text.");
        return "";
    }

    private string? Text(JsonObject server, string member, string where)
    {
        if (server[member] is null) return null;
        if (server[member] is JsonValue value && value.GetValueKind() == JsonValueKind.String && value.GetValue<string>() is { Length: > 0 } text) return Expand(text, $"{where}: {member}");
        _errors.Add($"{where}: \"{member}\" must be a text that is not empty.");
        return null;
    }

    /// <summary>Puts environment variables in for <c>${NAME}</c>. A missing one is an error: a request without its token would fail later and say less.</summary>
    private string Expand(string text, string where) => VariablePattern().Replace(text, match =>
    {
        var name = match.Groups[1].Value;
        if (Environment.GetEnvironmentVariable(name) is { } value)
        {
            if (!ChildEnvironment.Inherits(name)) _expanded.Add(value);
            return value;
        }

        _errors.Add($"{where} uses ${{{name}}}, but no such environment variable is set for the gateway.");
        return "";
    });

    private static string? Scalar(JsonNode? node) => node is JsonValue value ? value.ToString() : null;

    [GeneratedRegex("^[A-Za-z0-9_-]{1,32}$")]
    private static partial Regex NamePattern();

    [GeneratedRegex("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")]
    private static partial Regex HeaderNamePattern();

    [GeneratedRegex(@"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")]
    private static partial Regex VariablePattern();

    [GeneratedRegex(@"^(\d+(?:\.\d+)?)(ms|s|m|h)$")]
    private static partial Regex DurationPattern();
}
