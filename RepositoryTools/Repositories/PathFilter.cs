using System.Text;
using System.Text.RegularExpressions;
using RepositoryTools.Serving;

namespace RepositoryTools.Repositories;

/// <summary>Picks the files below a folder, one file, or those that match a glob.</summary>
internal sealed class PathFilter
{
    private readonly string _prefix;
    private readonly Regex? _glob;

    private PathFilter(string prefix, Regex? glob)
    {
        _prefix = prefix;
        _glob = glob;
    }

    /// <summary>The files of a snapshot that the argument asks for; all of them when it is null.</summary>
    /// <exception cref="ToolError">The path is of a wrong form, leads out, or no file is there.</exception>
    internal static List<SourceFile> Pick(ToolCall call, ToolArgument argument)
    {
        var path = call.Arguments.Text(argument);
        if (path is null)
        {
            return [.. call.Snapshot.Files];
        }

        var filter = Of(argument.Name, path);
        List<SourceFile> picked = [.. call.Snapshot.Files.Where(f => filter.Takes(f.Path))];
        if (picked.Count == 0 && filter._glob is null)
        {
            call.Repository.Root.Resolve(argument.Name, path);
            throw new ToolError($"'{argument.Name}' is '{path}', and no file of repository '{call.Repository.Name}' is there: list_files shows what is.");
        }

        return picked;
    }

    /// <summary>The filter for a path or glob.</summary>
    internal static PathFilter Of(string argument, string path)
    {
        var normal = RepositoryRoot.Normalise(argument, path);
        return normal.AsSpan().IndexOfAny('*', '?') < 0 ? new(normal, null) : new("", Glob(normal));
    }

    /// <summary>Whether a file is picked.</summary>
    internal bool Takes(string path) => _glob is not null
        ? _glob.IsMatch(path)
        : _prefix.Length == 0 || path.Equals(_prefix, StringComparison.Ordinal) || path.StartsWith(_prefix + "/", StringComparison.Ordinal);

    /// <summary>** crosses folders, * and ? do not; a glob without a slash is about the name in any folder.</summary>
    private static Regex Glob(string glob)
    {
        var pattern = new StringBuilder(glob.Contains('/', StringComparison.Ordinal) ? "^" : "^(.*/)?");
        for (var i = 0; i < glob.Length; i++)
        {
            var rest = glob.AsSpan(i);
            if (rest.StartsWith("**/"))
            {
                pattern.Append("(.*/)?");
                i += 2;
            }
            else if (rest.StartsWith("**"))
            {
                pattern.Append(".*");
                i++;
            }
            else
            {
                pattern.Append(glob[i] switch { '*' => "[^/]*", '?' => "[^/]", var c => Regex.Escape(c.ToString()) });
            }
        }

        return new(pattern.Append('$').ToString(), RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
    }
}
