using System.Runtime.CompilerServices;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using RepositoryTools.Repositories;

namespace RepositoryTools.Analysis;

/// <summary>
/// One Roslyn compilation over all C# files of a snapshot. Types of packages are unknown to it, what the repository and the
/// base class library declare is not. It is big, so it is only held weakly: calls that follow one another share it, a resting server does not keep it.
/// </summary>
internal sealed class CSharpModel
{
    /// <summary>More C# than this is not compiled, in bytes of source.</summary>
    internal const long MaxBytes = 40 * 1024 * 1024;

    private const string ImplicitUsings = """
        global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq; global using System.Net.Http;
        global using System.Net.Http.Json; global using System.Threading; global using System.Threading.Tasks;
        global using Microsoft.AspNetCore.Builder; global using Microsoft.AspNetCore.Hosting; global using Microsoft.AspNetCore.Http;
        global using Microsoft.AspNetCore.Routing; global using Microsoft.Extensions.Configuration; global using Microsoft.Extensions.DependencyInjection;
        global using Microsoft.Extensions.Hosting; global using Microsoft.Extensions.Logging;
        """;

    // Large and rarely part of a signature.
    private static readonly string[] _leftOut = ["System.Private.Xml", "System.Private.DataContract", "System.Data.", "Microsoft.VisualBasic", "System.Linq.Expressions", "System.Linq.Parallel", "System.Reflection.Metadata"];
    private static readonly ConditionalWeakTable<Snapshot, WeakReference<CSharpModel>> _models = [];
    private static readonly SemaphoreSlim _building = new(1, 1);
    private readonly CSharpCompilation _compilation;
    private readonly Dictionary<string, SyntaxTree> _trees;

    private CSharpModel(CSharpCompilation compilation, Dictionary<string, SyntaxTree> trees)
    {
        _compilation = compilation;
        _trees = trees;
    }

    /// <summary>Whether the C# of a snapshot is small enough to compile.</summary>
    internal static bool Fits(Snapshot snapshot) => CSharpFiles(snapshot).Sum(f => f.Bytes) <= MaxBytes;

    /// <summary>The model of a snapshot, built when none is alive.</summary>
    internal static async Task<CSharpModel> OfAsync(RepositoryRoot root, Snapshot snapshot, CancellationToken cancellationToken)
    {
        await _building.WaitAsync(cancellationToken);
        try
        {
            if (_models.TryGetValue(snapshot, out var held) && held.TryGetTarget(out var model))
            {
                return model;
            }

            var built = Build(root, snapshot, cancellationToken);
            _models.AddOrUpdate(snapshot, new(built));
            return built;
        }
        finally
        {
            _building.Release();
        }
    }

    /// <summary>The tree of a file, null when it is gone.</summary>
    internal SyntaxTree? Tree(string path) => _trees.GetValueOrDefault(path);

    /// <summary>What the names of a tree mean.</summary>
    internal SemanticModel Semantics(SyntaxTree tree) => _compilation.GetSemanticModel(tree, ignoreAccessibility: true);

    private static IEnumerable<SourceFile> CSharpFiles(Snapshot snapshot) =>
        snapshot.Files.Where(f => f.Language == Language.CSharp && f.Reading is not null);

    private static CSharpModel Build(RepositoryRoot root, Snapshot snapshot, CancellationToken cancellationToken)
    {
        var files = CSharpFiles(snapshot).ToArray();
        var trees = new SyntaxTree?[files.Length];
        Parallel.For(0, files.Length, new ParallelOptions { CancellationToken = cancellationToken, MaxDegreeOfParallelism = Environment.ProcessorCount }, i =>
        {
            var text = root.Read(files[i].Path).Text;
            trees[i] = text is null ? null : CSharpReading.Parse(files[i].Path, text, cancellationToken);
        });
        List<SyntaxTree> read = [.. trees.OfType<SyntaxTree>()];
        var compilation = CSharpCompilation.Create(
            "repository", [.. read, CSharpReading.Parse("", ImplicitUsings, cancellationToken)], References(),
            new CSharpCompilationOptions(OutputKind.ConsoleApplication, allowUnsafe: true, nullableContextOptions: NullableContextOptions.Enable));
        return new(compilation, read.ToDictionary(t => t.FilePath, StringComparer.Ordinal));
    }

    private static IEnumerable<MetadataReference> References()
    {
        var folder = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
        return Directory.EnumerateFiles(folder, "System.*.dll")
            .Where(f => !_leftOut.Any(l => Path.GetFileName(f).StartsWith(l, StringComparison.Ordinal)))
            .Select(f => MetadataReference.CreateFromFile(f));
    }
}
