using System.Text.RegularExpressions;

namespace RepositoryTools.Analysis;

/// <summary>How a line that declares something looks in a language. The group "name" is the declared name; "kind" overrides the kind.</summary>
/// <param name="Kind">What is declared.</param>
/// <param name="Hints">A line without any of these is not worth matching.</param>
/// <param name="Expression">How the line looks.</param>
internal sealed record DeclarationPattern(string Kind, IReadOnlyList<string> Hints, Regex Expression)
{
    private const string Word = @"[A-Za-z_$][\w$]*";

    private static readonly DeclarationPattern[] _python =
    [
        For("class", ["class"], $@"^\s*class\s+(?<name>{Word})"),
        For("function", ["def"], $@"^\s*(async\s+)?def\s+(?<name>{Word})"),
    ];

    private static readonly DeclarationPattern[] _script =
    [
        For("class", ["class", "interface", "enum"], $@"^\s*(export\s+)?(default\s+)?(declare\s+)?(abstract\s+)?(?<kind>class|interface|enum)\s+(?<name>{Word})"),
        For("type", ["type"], $@"^\s*(export\s+)?(declare\s+)?type\s+(?<name>{Word})\s*(<[^=]*>)?\s*="),
        For("function", ["function"], $@"^\s*(export\s+)?(default\s+)?(declare\s+)?(async\s+)?function\s*\*?\s*(?<name>{Word})\s*[(<]"),
        For("function", ["const", "let", "var"], $@"^\s*(export\s+)?(const|let|var)\s+(?<name>{Word})\s*(:[^=]+)?=\s*(async\s+)?(function\b|\([^)]*\)\s*(:[^=]+)?=>|{Word}\s*=>)"),
        For("method", ["("], $@"^\s+((public|private|protected|static|async|override|readonly|get|set)\s+)*(?!(if|for|while|switch|catch|return|function|await|super|new|typeof|else|do|throw|constructor)\b)(?<name>\#?{Word})\s*(<[^>]*>)?\([^;]*\)?\s*(:[^;{{=]+)?\{{\s*$"),
        For("constructor", ["constructor"], @"^\s+(?<name>constructor)\s*\("),
    ];

    private static readonly DeclarationPattern[] _java =
    [
        For("class", ["class", "interface", "enum", "record", "object", "trait"], $@"^\s*((public|private|protected|internal|static|abstract|final|sealed|open|data|inner|annotation|value|fun|enum|expect|actual|non-sealed|strictfp)\s+)*(?<kind>class|interface|enum|record|object|trait|@interface)\s+(?<name>{Word})"),
        For("function", ["fun", "def"], $@"^\s*((public|private|protected|internal|static|open|override|suspend|inline|abstract|final|operator|tailrec|infix|external|implicit)\s+)*(fun|def)\s+(<[^>]*>\s*)?([\w.<>?]+\.)?(?<name>{Word})\s*[(\[]"),
        For("method", ["("], $@"^\s+((public|private|protected|static|final|abstract|synchronized|native|default)\s+)*(<[^>]*>\s*)?(?!(return|new|else|throw|case|if|for|while|switch|catch|package|import|assert)\b)[\w.<>\[\],?]+(\s*<[^()]*>)?(\[\])*\s+(?<name>{Word})\s*\([^;=]*(\{{\s*$|\)\s*(throws\s+[\w.,\s]+)?[{{;]\s*$|,\s*$|\(\s*$)"),
    ];

    private static readonly DeclarationPattern[] _go =
    [
        For("type", ["struct", "interface"], $@"^\s*type\s+(?<name>{Word})(\[[^\]]*\])?\s+(?<kind>struct|interface)\b"),
        For("type", ["type"], $@"^\s*type\s+(?<name>{Word})\s+=?\s*[\w\[\]*.(]"),
        For("method", ["func"], $@"^func\s+\((\w+\s+)?\*?(?<container>\w+)[^)]*\)\s*(?<name>{Word})"),
        For("function", ["func"], $@"^func\s+(?<name>{Word})"),
    ];

    private static readonly DeclarationPattern[] _rust =
    [
        For("struct", ["struct", "enum", "trait", "union", "mod"], $@"^\s*(pub(\([^)]*\))?\s+)?(unsafe\s+)?(?<kind>struct|enum|trait|union|mod)\s+(?<name>{Word})"),
        For("type", ["type"], $@"^\s*(pub(\([^)]*\))?\s+)?type\s+(?<name>{Word})"),
        For("impl", ["impl"], $@"^\s*(unsafe\s+)?impl(<[^{{]*?>)?\s+([\w:<>,'&\s]+?\s+for\s+)?(?<name>{Word})"),
        For("function", ["fn"], $@"^\s*(pub(\([^)]*\))?\s+)?((default|const|async|unsafe|extern)\s+)*fn\s+(?<name>{Word})"),
    ];

    private static readonly DeclarationPattern[] _c =
    [
        For("class", ["class", "struct", "enum", "union", "namespace"], $@"^\s*(typedef\s+)?(template\s*<[^>]*>\s*)?(?<kind>class|struct|enum|union|namespace)\s+(class\s+)?(\w+\s+)*?(?<name>{Word})\s*(final\s*)?(:[^:;]*)?(\{{|$)"),
        For("function", ["("], $@"^(?!\s*(return|else|throw|new|delete|case|goto|using|typedef|if|for|while|switch)\b)\s*[\w:<>,*&~\s]+?[\s*&]((?<container>\w+)::)?(?<name>~?{Word})\s*\([^;]*(\)\s*(const|noexcept|override|final|->\s*[\w:<>&*]+|\s)*\{{?\s*\}}?\s*$|,\s*$)"),
    ];

    private static readonly DeclarationPattern[] _ruby =
    [
        For("class", ["class", "module"], @"^\s*(?<kind>class|module)\s+(\w+::)*(?<name>[A-Z]\w*)"),
        For("function", ["def"], @"^\s*def\s+(self\.)?(?<name>[\w]+[?!=]?)"),
    ];

    private static readonly DeclarationPattern[] _php =
    [
        For("class", ["class", "interface", "trait", "enum"], $@"^\s*((abstract|final|readonly)\s+)*(?<kind>class|interface|trait|enum)\s+(?<name>{Word})"),
        For("function", ["func"], $@"^\s*((public|private|protected|static|abstract|final)\s+)*function\s+&?(?<name>{Word})"),
    ];

    private static readonly DeclarationPattern[] _swift =
    [
        For("class", ["class", "struct", "enum", "protocol", "actor", "extension"], $@"^\s*((public|private|internal|open|fileprivate|final|indirect)\s+)*(?<kind>class|struct|enum|protocol|actor|extension)\s+(?!(func|var|let)\b)(?<name>{Word})"),
        For("function", ["func"], $@"^\s*((public|private|internal|open|fileprivate|static|class|override|mutating|final|async)\s+)*func\s+(?<name>{Word})"),
    ];

    private static readonly DeclarationPattern[] _shell =
    [
        For("function", ["func"], @"^\s*function\s+(?<name>[\w:-]+)"),
        For("function", ["("], @"^\s*(?<name>[\w:-]+)\s*\(\)"),
    ];

    private static readonly DeclarationPattern[] _powerShell =
    [
        For("function", ["func"], @"^\s*function\s+(?<name>[\w:-]+)"),
        For("class", ["class", "enum"], @"^\s*(?<kind>class|enum)\s+(?<name>\w+)"),
    ];

    private static readonly DeclarationPattern[] _sql =
    [
        For("table", [""], @"^\s*create\s+(or\s+replace\s+)?(temp\w*\s+|unique\s+|materialized\s+)*(?<kind>table|view|function|procedure|trigger|index|type|schema)\s+(if\s+not\s+exists\s+)?[""\[`]?([\w]+[""\]`]?\.[""\[`]?)?(?<name>\w+)"),
    ];

    /// <summary>The patterns of a language; none where it is not read for declarations.</summary>
    internal static IReadOnlyList<DeclarationPattern> Of(Language language) => language.Name switch
    {
        "Python" => _python,
        "JavaScript" or "TypeScript" or "Vue" => _script,
        "Java" or "Kotlin" or "Scala" or "Dart" => _java,
        "Go" => _go,
        "Rust" => _rust,
        "C" or "C++" => _c,
        "Ruby" => _ruby,
        "PHP" => _php,
        "Swift" => _swift,
        "Shell" => _shell,
        "PowerShell" => _powerShell,
        "SQL" => _sql,
        _ => [],
    };

    private static DeclarationPattern For(string kind, string[] hints, string expression) => new(kind, hints, new(
        expression, RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | (kind == "table" ? RegexOptions.IgnoreCase : RegexOptions.None), TimeSpan.FromMilliseconds(200)));
}
