namespace ConformanceUpstream;

/// <summary>The two ways MCP begins: with <c>initialize</c> and a session, or with neither.</summary>
internal enum Era
{
    /// <summary>2024-11-05 to 2025-11-25.</summary>
    Legacy,

    /// <summary>2026-07-28.</summary>
    Modern,
}

/// <summary>The command line.</summary>
internal sealed record Arguments(Era Era, string Urls, bool Stdio)
{
    public const string Usage = """
        conformance-upstream [--era 2025-11-25|2026-07-28] [--urls http://127.0.0.1:0] [--stdio]

          --era     Which revision it speaks; 2025-11-25 speaks the older ones too. Default 2025-11-25.
          --urls    Where /mcp is served, and /sse with /message in the older era. Port 0 takes a free one.
          --stdio   Serves standard input and output instead.
          --help    Prints this text.
        """;

    /// <summary>True when the usage is all that is wanted.</summary>
    public static bool AskForHelp(IReadOnlyList<string> arguments) => arguments.Any(static argument => argument is "--help" or "-h" or "-?");

    /// <exception cref="ArgumentException">An argument is not known or its value is wrong.</exception>
    public static Arguments Parse(IReadOnlyList<string> arguments)
    {
        var parsed = new Arguments(Era.Legacy, "http://127.0.0.1:0", false);
        for (var i = 0; i < arguments.Count; i++)
        {
            var name = arguments[i];
            parsed = name switch
            {
                "--stdio" => parsed with { Stdio = true },
                "--era" => parsed with { Era = EraOf(Next(name)) },
                "--urls" => parsed with { Urls = Next(name) },
                _ => throw new ArgumentException($"{name} is not known.\n\n{Usage}"),
            };

            string Next(string option) => ++i < arguments.Count ? arguments[i] : throw new ArgumentException($"{option} needs a value.\n\n{Usage}");
        }

        return parsed;
    }

    private static Era EraOf(string value) => value switch
    {
        Protocol.Revision.Modern => Era.Modern,
        Protocol.Revision.LatestLegacy => Era.Legacy,
        _ => throw new ArgumentException($"--era is '{value}': give {Protocol.Revision.LatestLegacy} or {Protocol.Revision.Modern}."),
    };
}
