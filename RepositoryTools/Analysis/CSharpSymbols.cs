using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace RepositoryTools.Analysis;

/// <summary>Asks Roslyn symbols what answers need of them.</summary>
internal static class CSharpSymbols
{
    /// <summary>What a name may mean, as declared: the symbol, or those that come into question where arguments could not be resolved.</summary>
    internal static IEnumerable<ISymbol> At(SemanticModel semantics, SimpleNameSyntax name)
    {
        var info = semantics.GetSymbolInfo(name);
        return (info.Symbol is { } symbol ? [symbol] : info.CandidateSymbols)
            .Select(s => s is IMethodSymbol { ReducedFrom: { } whole } ? whole : s)
            .Select(s => s.OriginalDefinition);
    }

    /// <summary>Where a symbol of the repository is declared; null for others.</summary>
    internal static (string File, int Line)? Place(ISymbol symbol)
    {
        if (symbol.Locations.FirstOrDefault(l => l.IsInSource) is not { } location)
        {
            return null;
        }

        return (location.SourceTree!.FilePath, location.GetLineSpan().StartLinePosition.Line + 1);
    }

    /// <summary>A name people recognise: Type, or Type.Member.</summary>
    internal static string Shown(ISymbol symbol)
    {
        var own = symbol switch
        {
            IMethodSymbol { MethodKind: MethodKind.Constructor or MethodKind.StaticConstructor } constructor => constructor.ContainingType.Name,
            IMethodSymbol { Name: "<Main>$" } => "top-level statements",
            INamedTypeSymbol { TypeArguments.Length: > 0 } type => type.ToDisplayString(SymbolDisplayFormat.MinimallyQualifiedFormat),
            _ => symbol.Name,
        };
        return symbol is not INamedTypeSymbol && symbol.ContainingType is { IsImplicitlyDeclared: false, Name.Length: > 0 } container ? $"{container.Name}.{own}" : own;
    }

    /// <summary>The identifiers by which code may name a symbol.</summary>
    internal static IEnumerable<string> Spellings(ISymbol symbol)
    {
        const string attribute = "Attribute";
        var name = symbol is IMethodSymbol { MethodKind: MethodKind.Constructor } ? symbol.ContainingType.Name : symbol.Name;
        return name.EndsWith(attribute, StringComparison.Ordinal) && name.Length > attribute.Length ? [name, name[..^attribute.Length]] : [name];
    }

    /// <summary>The member, or the type, whose declaration a name stands in.</summary>
    internal static ISymbol? Owner(SyntaxNode node, SemanticModel semantics)
    {
        foreach (var ancestor in node.Ancestors())
        {
            if (ancestor is FieldDeclarationSyntax or EventFieldDeclarationSyntax)
            {
                return semantics.GetDeclaredSymbol(((BaseFieldDeclarationSyntax)ancestor).Declaration.Variables[0]);
            }

            if (ancestor is BaseTypeDeclarationSyntax or BaseMethodDeclarationSyntax or BasePropertyDeclarationSyntax or DelegateDeclarationSyntax)
            {
                return semantics.GetDeclaredSymbol(ancestor);
            }
        }

        return null;
    }
}
