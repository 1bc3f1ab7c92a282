using System.Text.Json.Nodes;

namespace RepositoryTools.Serving;

/// <summary>The JSON types an argument may have.</summary>
internal enum ArgumentType
{
    /// <summary>A JSON string.</summary>
    Text,

    /// <summary>A whole JSON number.</summary>
    Integer,

    /// <summary>A JSON true or false.</summary>
    Flag,
}

/// <summary>One argument of a tool: the source of both its JSON schema and its validation.</summary>
internal sealed record ToolArgument(string Name, ArgumentType Type, string Description)
{
    /// <summary>The longest text taken, in characters.</summary>
    internal const int MaxText = 2000;

    /// <summary>True when a call without it is refused.</summary>
    public bool Required { get; init; }

    /// <summary>The value of an absent integer.</summary>
    public int Default { get; init; }

    /// <summary>Smallest integer taken.</summary>
    public int Minimum { get; init; } = 1;

    /// <summary>Largest integer taken.</summary>
    public int Maximum { get; init; } = int.MaxValue;

    /// <summary>The only texts taken, when given.</summary>
    public IReadOnlyList<string>? Values { get; init; }

    /// <summary>The argument that picks the repository; every tool has it.</summary>
    internal static ToolArgument Repository { get; } = new("repository", ArgumentType.Text,
        "Name of a configured repository. Optional when exactly one is configured.");

    /// <summary>The argument that narrows an answer to a part of the repository.</summary>
    internal static ToolArgument Path { get; } = new("path", ArgumentType.Text,
        "Only below this folder, this file, or files that match this glob (such as src/**/*.cs), relative to the repository.");

    /// <summary>The argument that asks for the next page.</summary>
    internal static ToolArgument Cursor { get; } = new("cursor", ArgumentType.Text,
        "next_cursor of the previous answer, to read on; every other argument but limit must be the same as in that call.");

    /// <summary>The argument that bounds the number of rows of an answer.</summary>
    internal static ToolArgument Limit(int byDefault, int maximum) =>
        Integer("limit", "How many rows to answer at most.", byDefault, 1, maximum);

    /// <summary>A bounded whole number.</summary>
    internal static ToolArgument Integer(string name, string description, int byDefault, int minimum, int maximum) =>
        new(name, ArgumentType.Integer, description) { Default = byDefault, Minimum = minimum, Maximum = maximum };

    /// <summary>The JSON schema of this argument.</summary>
    internal JsonObject Schema()
    {
        var schema = new JsonObject { ["description"] = Description };
        switch (Type)
        {
            case ArgumentType.Integer:
                schema["type"] = "integer";
                schema["minimum"] = Minimum;
                schema["maximum"] = Maximum;
                schema["default"] = Default;
                break;
            case ArgumentType.Flag:
                schema["type"] = "boolean";
                schema["default"] = false;
                break;
            default:
                schema["type"] = "string";
                schema["maxLength"] = MaxText;
                if (Required)
                {
                    schema["minLength"] = 1;
                }

                if (Values is not null)
                {
                    schema["enum"] = new JsonArray([.. Values.Select(v => JsonValue.Create(v))]);
                }

                break;
        }

        return schema;
    }
}
