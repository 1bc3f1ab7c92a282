using System.Globalization;

namespace McpGateway.Upstreams;

/// <summary>
/// Reads typed values of one configuration section. One that cannot be read is noted in <see cref="Errors"/>, and the default stands in for
/// it: the configuration binder would throw at the first and hide the others.
/// </summary>
internal sealed class GatewayValues(IConfigurationSection section)
{
    private readonly List<string> _errors = [];

    /// <summary>One sentence for each value that could not be read so far.</summary>
    public IReadOnlyList<string> Errors => _errors;

    public int Number(string key, int standard) => Number(key, standard, "a whole number");

    public int Bytes(string key, int standard) => Number(key, standard, "bytes, a whole number");

    public TimeSpan Time(string key, TimeSpan standard)
    {
        if (section[key] is not { } text) return standard;
        return TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var time) ? time : Refuse(key, text, "hh:mm:ss, for example 00:00:20", standard);
    }

    private int Number(string key, int standard, string expected)
    {
        if (section[key] is not { } text) return standard;
        return int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var number) ? number : Refuse(key, text, expected, standard);
    }

    private T Refuse<T>(string key, string text, string expected, T standard)
    {
        _errors.Add($"{section.Path}:{key} is '{text}'; it must be {expected}.");
        return standard;
    }
}
