using System.Text.Json;
using FaultyUpstream.Control;
using FaultyUpstream.Faults;

namespace FaultyUpstream;

/// <summary>The command line.</summary>
internal sealed record Arguments(FaultyUpstreamOptions Options, bool Stdio)
{
    public const string Usage = """
        faulty-upstream [--urls http://127.0.0.1:0] [--stdio] [--era legacy|modern|both] [--answer-form json|stream] [--fault <json>]... [--record <folder>]

          --urls         Where /mcp, /sse and /control are served; with --stdio only /control. Port 0 takes a free one.
          --stdio        Serves standard input and output; the address of /control is written to standard error.
          --fault        A fault from the start, such as {"kind":"slow","delay_ms":500,"methods":["initialize"]}; may be repeated.
                         The variable FAULTY_UPSTREAM_FAULTS holds an array of such.
          --era          Which revisions it speaks. Default legacy.
          --answer-form  How it answers plain calls over HTTP. Default json.
          --record       A folder for what outlives the process: the address of its control, and the call ids it executed.
          --help         Prints this text.
        """;

    /// <summary>True when the usage is all that is wanted.</summary>
    public static bool AskForHelp(IReadOnlyList<string> arguments) => arguments.Any(static argument => argument is "--help" or "-h" or "-?");

    /// <exception cref="ControlException">An argument is not known or its value is wrong.</exception>
    public static Arguments Parse(IReadOnlyList<string> arguments, string? faultsVariable)
    {
        var faults = new List<Fault>();
        if (!string.IsNullOrEmpty(faultsVariable)) faults.AddRange(Json<Fault[]>("FAULTY_UPSTREAM_FAULTS", faultsVariable));
        var parsed = new Arguments(new FaultyUpstreamOptions(), false);
        for (var i = 0; i < arguments.Count; i++)
        {
            var name = arguments[i];
            if (name == "--stdio")
            {
                parsed = parsed with { Stdio = true };
                continue;
            }

            if (++i == arguments.Count) throw new ControlException($"{name} needs a value.");
            parsed = parsed with { Options = Apply(parsed.Options, faults, name, arguments[i]) };
        }

        return parsed with { Options = parsed.Options with { Faults = faults } };
    }

    private static FaultyUpstreamOptions Apply(FaultyUpstreamOptions options, List<Fault> faults, string name, string value)
    {
        switch (name)
        {
            case "--urls":
                return options with { Url = Uri.TryCreate(value, UriKind.Absolute, out var url) && url.Scheme == Uri.UriSchemeHttp ? value : throw Wrong(name, value, "an http address such as http://127.0.0.1:0") };
            case "--era":
                return options with { Era = Choice<UpstreamEra>(name, value) };
            case "--answer-form":
                return options with { AnswerForm = Choice<AnswerForm>(name, value) };
            case "--record":
                return options with { RecordDirectory = value };
            case "--fault":
                faults.Add(Json<Fault>(name, value));
                return options;
            default:
                throw new ControlException($"{name} is not known.\n\n{Usage}");
        }
    }

    private static T Choice<T>(string name, string value)
        where T : struct, Enum =>
        Enum.TryParse<T>(value, ignoreCase: true, out var choice) && Enum.IsDefined(choice) ? choice : throw Wrong(name, value, string.Join(", ", Enum.GetNames<T>()).ToLowerInvariant());

    private static T Json<T>(string name, string value)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(value, ControlJson.Options) ?? throw Wrong(name, value, "JSON");
        }
        catch (JsonException error)
        {
            throw new ControlException($"{name} cannot be read: {ControlJson.Explain(error)}");
        }
    }

    private static ControlException Wrong(string name, string value, string wanted) => new($"{name} is '{value}': give {wanted}.");
}
