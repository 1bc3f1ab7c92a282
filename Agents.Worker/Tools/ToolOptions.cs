using Microsoft.Extensions.Options;

namespace Agents.Worker.Tools;

/// <summary>How the gateway is reached: section <c>Tools</c>.</summary>
internal sealed class ToolOptions
{
    public const string Section = "Tools";

    /// <summary>The gateway's aggregated MCP endpoint; the host is resolved by service discovery.</summary>
    public string Endpoint { get; set; } = "https+http://mcp-gateway/mcp";

    /// <summary>Time to connect and list the tools. 1–120 s.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How long an agent's first connection waits for a gateway that refuses it, as one does while it is started again. 0 s to <see cref="ConnectTimeout"/>.</summary>
    public TimeSpan StartPatience { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Time for one tool call. 1 s – 10 min.</summary>
    public TimeSpan CallTimeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>First pause before a lost gateway is tried again on a later turn; doubles up to 30 s. 0–30 s.</summary>
    public TimeSpan ReconnectDelay { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Bytes of a tool result the model gets to read. 1 KB – 1 MB.</summary>
    public int MaxResultBytes { get; set; } = 50 * 1024;
}

/// <summary>Reports every error of section <c>Tools</c> at once.</summary>
internal sealed class ToolOptionsValidation : IValidateOptions<ToolOptions>
{
    public ValidateOptionsResult Validate(string? name, ToolOptions options)
    {
        var errors = new List<string>();
        if (!Uri.TryCreate(options.Endpoint, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https" or "https+http" or "http+https"))
            errors.Add($"Tools:Endpoint is '{options.Endpoint}': use an absolute URL such as https+http://mcp-gateway/mcp.");
        Range(errors, nameof(options.ConnectTimeout), options.ConnectTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(2));
        Range(errors, nameof(options.StartPatience), options.StartPatience, TimeSpan.Zero, options.ConnectTimeout);
        Range(errors, nameof(options.CallTimeout), options.CallTimeout, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(10));
        Range(errors, nameof(options.ReconnectDelay), options.ReconnectDelay, TimeSpan.Zero, TimeSpan.FromSeconds(30));
        Range(errors, nameof(options.MaxResultBytes), options.MaxResultBytes, 1024, 1024 * 1024);
        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }

    private static void Range<T>(List<string> errors, string key, T value, T min, T max) where T : IComparable<T>
    {
        if (value.CompareTo(min) < 0 || value.CompareTo(max) > 0) errors.Add($"Tools:{key} is {value}: use {min} to {max}.");
    }
}
