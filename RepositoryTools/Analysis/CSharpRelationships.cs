using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using RepositoryTools.Repositories;

namespace RepositoryTools.Analysis;

/// <summary>Finds the relationships of a C# entity from what Roslyn binds names to.</summary>
internal sealed class CSharpRelationships
{
    /// <summary>How this reading calls itself in answers.</summary>
    internal const string Method =
        "Roslyn semantic model over all C# files of the repository and the base class library; names that hang on types of packages may stay unresolved and are left out";

    private readonly Snapshot _snapshot;
    private readonly CSharpModel _model;
    private readonly HashSet<ISymbol> _targets = new(SymbolEqualityComparer.Default);
    private readonly HashSet<ISymbol> _asked = new(SymbolEqualityComparer.Default);
    private readonly List<Relationship> _found = [];
    private readonly HashSet<(string, string, string)> _seen = [];

    private CSharpRelationships(Snapshot snapshot, CSharpModel model)
    {
        _snapshot = snapshot;
        _model = model;
    }

    /// <summary>The relationships of the declarations that make up one entity: what it is and does first, then what is done with it.</summary>
    internal static async Task<List<Relationship>> OfAsync(
        RepositoryRoot root, Snapshot snapshot, IReadOnlyList<Entity> parts, CancellationToken cancellationToken)
    {
        var relationships = new CSharpRelationships(snapshot, await CSharpModel.OfAsync(root, snapshot, cancellationToken));
        var nodes = parts.SelectMany(relationships.Declarations).ToList();
        foreach (var symbol in relationships._asked)
        {
            relationships.AddBases(symbol);
            relationships.AddMembers(symbol);
        }

        foreach (var node in nodes)
        {
            relationships.AddOutgoing(node, cancellationToken);
        }

        relationships.AddIncoming(cancellationToken);
        return relationships._found;
    }

    /// <summary>The syntax of an entity; its symbols become what is asked about, with the interface members they implement and the ones they override.</summary>
    private IEnumerable<SyntaxNode> Declarations(Entity part)
    {
        if (_model.Tree(part.File) is not { } tree)
        {
            yield break;
        }

        var semantics = _model.Semantics(tree);
        foreach (var node in tree.GetRoot().DescendantNodes().Where(n => n is MemberDeclarationSyntax or LocalFunctionStatementSyntax or VariableDeclaratorSyntax))
        {
            if (semantics.GetDeclaredSymbol(node) is { } symbol && symbol.Name == SimpleName(part) && Covers(node, part))
            {
                _asked.Add(symbol);
                _targets.Add(symbol);
                AddImplemented(symbol);
                yield return node is VariableDeclaratorSyntax { Parent.Parent: { } field } ? field : node;
            }
        }
    }

    private static string SimpleName(Entity part) => part.Kind switch
    {
        "constructor" => ".ctor",
        "indexer" => "this[]",
        _ => part.Name,
    };

    private static bool Covers(SyntaxNode node, Entity part)
    {
        var lines = node.SyntaxTree.GetLineSpan(node.Span);
        return lines.StartLinePosition.Line + 1 <= part.Line && part.Line <= lines.EndLinePosition.Line + 1 && lines.EndLinePosition.Line + 1 == part.EndLine;
    }

    private void AddImplemented(ISymbol symbol)
    {
        if (symbol is IMethodSymbol { OverriddenMethod: { } overridden })
        {
            _targets.Add(overridden.OriginalDefinition);
        }

        if (symbol is ITypeSymbol || symbol.ContainingType is not { } type)
        {
            return;
        }

        foreach (var member in type.AllInterfaces.SelectMany(i => i.GetMembers(symbol.Name)))
        {
            if (SymbolEqualityComparer.Default.Equals(type.FindImplementationForInterfaceMember(member), symbol))
            {
                _targets.Add(member.OriginalDefinition);
                Add("implements", member);
            }
        }
    }

    private void AddBases(ISymbol symbol)
    {
        if (symbol is not INamedTypeSymbol type)
        {
            return;
        }

        if (type.BaseType is { SpecialType: SpecialType.None } parent)
        {
            Add("inherits", parent, type);
        }

        foreach (var contract in type.Interfaces.Where(i => !IsSynthesised(i, type)))
        {
            Add(type.TypeKind == TypeKind.Interface ? "inherits" : "implements", contract, type);
        }
    }

    /// <summary>Records compare themselves without being asked to.</summary>
    private static bool IsSynthesised(INamedTypeSymbol contract, INamedTypeSymbol type) =>
        type.IsRecord && contract.Name == "IEquatable" && contract.TypeArguments is [var argument] && SymbolEqualityComparer.Default.Equals(argument, type);

    private void AddMembers(ISymbol symbol)
    {
        if (symbol is INamedTypeSymbol type)
        {
            foreach (var member in type.GetMembers().Where(m => !m.IsImplicitlyDeclared && m.CanBeReferencedByName))
            {
                Add("contains", member);
            }
        }
    }

    /// <summary>What a declaration calls and uses of the repository, without itself and its own members.</summary>
    private void AddOutgoing(SyntaxNode node, CancellationToken cancellationToken)
    {
        var semantics = _model.Semantics(node.SyntaxTree);
        foreach (var name in node.DescendantNodes().OfType<SimpleNameSyntax>())
        {
            cancellationToken.ThrowIfCancellationRequested();
            foreach (var symbol in CSharpSymbols.At(semantics, name).Where(IsForeign))
            {
                Add(symbol is IMethodSymbol ? "calls" : "uses", symbol);
            }
        }
    }

    private bool IsForeign(ISymbol symbol) =>
        symbol is INamedTypeSymbol or IMethodSymbol { MethodKind: not MethodKind.LambdaMethod } or IPropertySymbol or IEventSymbol or IFieldSymbol
        && CSharpSymbols.Place(symbol) is not null
        && !_asked.Contains(symbol)
        && !_asked.Any(a => a is INamedTypeSymbol && SymbolEqualityComparer.Default.Equals(symbol.ContainingType, a));

    /// <summary>Who names it. Only files that use the identifier at all are bound.</summary>
    private void AddIncoming(CancellationToken cancellationToken)
    {
        var names = _asked.SelectMany(CSharpSymbols.Spellings).ToHashSet(StringComparer.Ordinal);
        foreach (var file in _snapshot.Files.Where(f => f.Language == Language.CSharp && f.Reading is not null && names.Any(f.Reading.Identifiers.Contains)))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (_model.Tree(file.Path) is { } tree)
            {
                AddIncoming(tree, names, cancellationToken);
            }
        }
    }

    private void AddIncoming(SyntaxTree tree, HashSet<string> names, CancellationToken cancellationToken)
    {
        var semantics = _model.Semantics(tree);
        foreach (var name in tree.GetRoot(cancellationToken).DescendantNodes().OfType<SimpleNameSyntax>().Where(n => names.Contains(n.Identifier.ValueText)))
        {
            if (!CSharpSymbols.At(semantics, name).Any(IsTarget) || semantics.GetEnclosingSymbol(name.SpanStart, cancellationToken) is not { } inside)
            {
                continue;
            }

            var owner = CSharpSymbols.Owner(name, semantics) ?? inside;
            if (IsWithinAsked(owner))
            {
                continue;
            }

            var line = tree.GetLineSpan(name.Span, cancellationToken).StartLinePosition.Line + 1;
            AddRow(IncomingKind(name), CSharpSymbols.Shown(owner), tree.FilePath, line);
        }
    }

    private string IncomingKind(SimpleNameSyntax name) =>
        name.Ancestors().TakeWhile(a => a is NameSyntax or BaseTypeSyntax).Any(a => a is BaseTypeSyntax) ? "derived_by"
        : _asked.Any(a => a is IMethodSymbol) ? "called_by"
        : "used_by";

    /// <summary>A constructor is called by the name of its type.</summary>
    private bool IsTarget(ISymbol symbol) =>
        _targets.Contains(symbol) || (symbol is IMethodSymbol { MethodKind: MethodKind.Constructor } && _targets.Contains(symbol.ContainingType));

    private bool IsWithinAsked(ISymbol owner)
    {
        for (var symbol = owner; symbol is not null; symbol = symbol.ContainingSymbol)
        {
            if (_asked.Contains(symbol))
            {
                return true;
            }
        }

        return false;
    }

    private void Add(string kind, ISymbol symbol, ISymbol? writtenAt = null)
    {
        if ((CSharpSymbols.Place(symbol) ?? (writtenAt is null ? null : CSharpSymbols.Place(writtenAt))) is var (file, line))
        {
            AddRow(kind, CSharpSymbols.Shown(symbol), file, line);
        }
    }

    private void AddRow(string kind, string name, string file, int line)
    {
        if (_seen.Add((kind, name, file)))
        {
            _found.Add(new(kind, name, file, line));
        }
    }
}
