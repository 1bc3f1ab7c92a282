using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace RepositoryTools.Analysis;

/// <summary>Reads C# with Roslyn's parser: what a file declares and which identifiers its code uses.</summary>
internal static class CSharpReading
{
    /// <summary>How this reading calls itself in answers.</summary>
    internal const string Method = "Roslyn syntax trees";

    private static readonly CSharpParseOptions _options = new(
        LanguageVersion.Preview, DocumentationMode.None, SourceCodeKind.Regular,
        ["NET", "NETCOREAPP", "NET5_0_OR_GREATER", "NET6_0_OR_GREATER", "NET7_0_OR_GREATER", "NET8_0_OR_GREATER", "NET9_0_OR_GREATER", "NET10_0_OR_GREATER", "NET10_0"]);

    /// <summary>Parses a file. A file with errors gives what could be made of it.</summary>
    internal static SyntaxTree Parse(string path, string text, CancellationToken cancellationToken = default) =>
        CSharpSyntaxTree.ParseText(SourceText.From(text), _options, path, cancellationToken);

    /// <summary>The declared entities in order, and all identifiers.</summary>
    internal static (IReadOnlyList<Entity> Entities, HashSet<string> Identifiers) Read(string path, string text)
    {
        var root = Parse(path, text).GetRoot();
        var identifiers = new HashSet<string>(StringComparer.Ordinal);
        foreach (var token in root.DescendantTokens())
        {
            if (token.IsKind(SyntaxKind.IdentifierToken))
            {
                identifiers.Add(NamePool.Get(token.ValueText));
            }
        }

        List<Entity> entities = [];
        foreach (var node in root.DescendantNodes(DescendInto))
        {
            if (node is MemberDeclarationSyntax or LocalFunctionStatementSyntax or VariableDeclaratorSyntax)
            {
                CSharpDeclaration.AddTo(entities, node, path);
            }
        }

        return (entities, identifiers);
    }

    private static bool DescendInto(SyntaxNode node) => node is not (ExpressionSyntax and not LambdaExpressionSyntax);
}
