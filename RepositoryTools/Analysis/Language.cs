namespace RepositoryTools.Analysis;

/// <summary>A language as told by a file's name, and how its comments look.</summary>
/// <param name="Name">The name people use.</param>
/// <param name="IsCode">False for prose, data and markup.</param>
/// <param name="LineComments">What starts a comment to the end of the line.</param>
/// <param name="BlockComment">What starts and ends a comment over lines.</param>
internal sealed record Language(string Name, bool IsCode, IReadOnlyList<string> LineComments, (string Start, string End)? BlockComment)
{
    internal static readonly Language CSharp = Slashes("C#");
    private static readonly Dictionary<string, Language> _byExtension = Build();

    /// <summary>The language of a file; null when its name tells none.</summary>
    internal static Language? Of(string path)
    {
        var name = Path.GetFileName(path);
        return name switch
        {
            "Dockerfile" => _byExtension[".dockerfile"],
            "Makefile" or "makefile" => _byExtension[".mk"],
            _ => _byExtension.GetValueOrDefault(Path.GetExtension(name).ToLowerInvariant()),
        };
    }

    private static Dictionary<string, Language> Build()
    {
        Dictionary<string, Language> all = new(StringComparer.Ordinal) { [".cs"] = CSharp };
        Add(all, Slashes("JavaScript"), ".js", ".jsx", ".mjs", ".cjs");
        Add(all, Slashes("TypeScript"), ".ts", ".tsx", ".mts", ".cts");
        Add(all, Slashes("Java"), ".java");
        Add(all, Slashes("Kotlin"), ".kt", ".kts");
        Add(all, Slashes("Swift"), ".swift");
        Add(all, Slashes("Go"), ".go");
        Add(all, Slashes("Rust"), ".rs");
        Add(all, Slashes("C"), ".c", ".h");
        Add(all, Slashes("C++"), ".cpp", ".cc", ".cxx", ".hpp", ".hh", ".hxx");
        Add(all, Slashes("Scala"), ".scala");
        Add(all, Slashes("Dart"), ".dart");
        Add(all, new("PHP", true, ["//", "#"], ("/*", "*/")), ".php");
        Add(all, new("Python", true, ["#"], null), ".py", ".pyi");
        Add(all, new("Ruby", true, ["#"], ("=begin", "=end")), ".rb");
        Add(all, new("Shell", true, ["#"], null), ".sh", ".bash", ".zsh");
        Add(all, new("PowerShell", true, ["#"], ("<#", "#>")), ".ps1", ".psm1");
        Add(all, new("SQL", true, ["--"], ("/*", "*/")), ".sql");
        Add(all, new("F#", true, ["//"], ("(*", "*)")), ".fs", ".fsx");
        Add(all, new("Visual Basic", true, ["'"], null), ".vb");
        Add(all, new("Lua", true, ["--"], ("--[[", "]]")), ".lua");
        Add(all, new("CSS", true, [], ("/*", "*/")), ".css");
        Add(all, Slashes("SCSS"), ".scss", ".less");
        Add(all, new("Makefile", true, ["#"], null), ".mk");
        Add(all, new("Dockerfile", true, ["#"], null), ".dockerfile");
        Add(all, new("Razor", true, [], ("@*", "*@")), ".razor", ".cshtml");
        Add(all, new("Vue", true, ["//"], ("<!--", "-->")), ".vue", ".svelte");
        Add(all, new("HTML", false, [], ("<!--", "-->")), ".html", ".htm");
        Add(all, new("XML", false, [], ("<!--", "-->")), ".xml", ".csproj", ".fsproj", ".vbproj", ".props", ".targets", ".slnx", ".config", ".resx", ".xaml");
        Add(all, new("Markdown", false, [], ("<!--", "-->")), ".md", ".mdx", ".markdown");
        Add(all, new("JSON", false, [], null), ".json", ".jsonc");
        Add(all, new("YAML", false, ["#"], null), ".yml", ".yaml");
        Add(all, new("TOML", false, ["#"], null), ".toml");
        Add(all, new("Text", false, [], null), ".txt", ".rst", ".adoc");
        return all;
    }

    private static Language Slashes(string name) => new(name, true, ["//"], ("/*", "*/"));

    private static void Add(Dictionary<string, Language> all, Language language, params ReadOnlySpan<string> extensions)
    {
        foreach (var extension in extensions)
        {
            all[extension] = language;
        }
    }
}
