using System.Globalization;
using System.Text.Json;

namespace RepositoryTools.Serving;

/// <summary>The checked arguments of one call.</summary>
internal sealed class ToolArguments
{
    private readonly Dictionary<string, object> _values = [];
    private readonly IReadOnlyList<ToolArgument> _declared;

    private ToolArguments(IReadOnlyList<ToolArgument> declared) => _declared = declared;

    /// <summary>Checks what a client sent. All faults are told in one <see cref="ToolError"/>.</summary>
    internal static ToolArguments Read(string tool, IReadOnlyList<ToolArgument> declared, IDictionary<string, JsonElement>? given)
    {
        var arguments = new ToolArguments(declared);
        List<string> faults = [];
        foreach (var (name, value) in given ?? new Dictionary<string, JsonElement>())
        {
            if (declared.FirstOrDefault(d => d.Name == name) is not { } argument)
            {
                faults.Add($"'{name}' is no argument of {tool}, which takes {string.Join(", ", declared.Select(d => d.Name))}.");
            }
            else if (value.ValueKind is not (JsonValueKind.Null or JsonValueKind.Undefined))
            {
                arguments.Take(argument, value, faults);
            }
        }

        faults.AddRange(declared
            .Where(d => d.Required && given?.TryGetValue(d.Name, out var v) is not true)
            .Select(d => $"'{d.Name}' is missing: {d.Description}"));
        return faults.Count == 0 ? arguments : throw new ToolError(string.Join('\n', faults));
    }

    /// <summary>The text of an argument, null when it was not given or is empty.</summary>
    internal string? Text(ToolArgument argument) => _values.GetValueOrDefault(argument.Name) as string;

    /// <summary>The text of a required argument.</summary>
    internal string Required(ToolArgument argument) =>
        Text(argument) ?? throw new ToolError($"'{argument.Name}' is empty: {argument.Description}");

    /// <summary>The number of an argument, its default when it was not given.</summary>
    internal int Integer(ToolArgument argument) => _values.GetValueOrDefault(argument.Name) is int number ? number : argument.Default;

    /// <summary>Whether a flag was set.</summary>
    internal bool Flag(ToolArgument argument) => _values.GetValueOrDefault(argument.Name) is true;

    /// <summary>A stable text of all arguments that decide the rows of an answer, for its cursor.</summary>
    internal string Fingerprint() => string.Join('\n', _declared
        .Where(d => d.Name is not ("cursor" or "limit"))
        .Select(d => $"{d.Name}={Convert.ToString(_values.GetValueOrDefault(d.Name, d.Type is ArgumentType.Integer ? d.Default : ""), CultureInfo.InvariantCulture)}"));

    private void Take(ToolArgument argument, JsonElement value, List<string> faults)
    {
        var fault = argument.Type switch
        {
            ArgumentType.Integer => TakeInteger(argument, value),
            ArgumentType.Flag => TakeFlag(argument, value),
            _ => TakeText(argument, value),
        };
        if (fault is not null)
        {
            faults.Add($"'{argument.Name}' is {Shown(value)}: {fault}");
        }
    }

    private string? TakeInteger(ToolArgument argument, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out var number) || number != Math.Floor(number)
            || number < argument.Minimum || number > argument.Maximum)
        {
            return $"give a whole number from {argument.Minimum} to {argument.Maximum}.";
        }

        _values[argument.Name] = (int)number;
        return null;
    }

    private string? TakeFlag(ToolArgument argument, JsonElement value)
    {
        if (value.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
        {
            return "give true or false.";
        }

        _values[argument.Name] = value.GetBoolean();
        return null;
    }

    private string? TakeText(ToolArgument argument, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.String)
        {
            return "give a string.";
        }

        var text = value.GetString()!;
        if (text.Length > ToolArgument.MaxText)
        {
            return $"it has {text.Length} characters; give at most {ToolArgument.MaxText}.";
        }

        if (text.Length > 0 && argument.Values is { } values && !values.Contains(text))
        {
            return $"give one of {string.Join(", ", values)}.";
        }

        if (!string.IsNullOrWhiteSpace(text))
        {
            _values[argument.Name] = text;
        }

        return null;
    }

    private static string Shown(JsonElement value)
    {
        var text = value.GetRawText();
        return text.Length <= 80 ? text : text[..80] + "…";
    }
}
