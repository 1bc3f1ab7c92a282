using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace RepositoryTools.Analysis;

/// <summary>Turns a C# declaration into an <see cref="Entity"/>.</summary>
internal static class CSharpDeclaration
{
    private const int MaxSignature = 200;

    /// <summary>Adds what a declaration declares; nodes that declare nothing of interest add nothing.</summary>
    internal static void AddTo(List<Entity> entities, SyntaxNode node, string file)
    {
        if (Describe(node) is not var (name, kind, end) || name.Length == 0)
        {
            return;
        }

        var declaration = node is VariableDeclaratorSyntax ? node.Parent!.Parent! : node;
        var first = FirstToken(declaration);
        var lines = node.SyntaxTree.GetLineSpan(Microsoft.CodeAnalysis.Text.TextSpan.FromBounds(first.SpanStart, declaration.Span.End));
        var type = node as TypeDeclarationSyntax;
        entities.Add(new(NamePool.Get(name), kind, file, lines.StartLinePosition.Line + 1, lines.EndLinePosition.Line + 1)
        {
            Container = Container(declaration),
            Signature = Signature(first.SpanStart, end, node.SyntaxTree),
            Accessibility = Accessibility(declaration),
            PublicMembers = type is null ? 0 : CSharpBehaviour.PublicMembers(type),
            HasBehaviour = type is not null && CSharpBehaviour.Has(type),
            IsNested = node.Parent is TypeDeclarationSyntax,
            IsStatic = type?.Modifiers.Any(SyntaxKind.StaticKeyword) is true,
            IsExtension = IsExtension(node),
        });
    }

    private static (string Name, string Kind, int End)? Describe(SyntaxNode node) => node switch
    {
        RecordDeclarationSyntax r => (r.Identifier.ValueText, "record", HeadEnd(r)),
        ClassDeclarationSyntax c => (c.Identifier.ValueText, "class", HeadEnd(c)),
        StructDeclarationSyntax s => (s.Identifier.ValueText, "struct", HeadEnd(s)),
        InterfaceDeclarationSyntax i => (i.Identifier.ValueText, "interface", HeadEnd(i)),
        EnumDeclarationSyntax e => (e.Identifier.ValueText, "enum", e.OpenBraceToken.SpanStart),
        DelegateDeclarationSyntax d => (d.Identifier.ValueText, "delegate", d.Span.End),
        MethodDeclarationSyntax m => (m.Identifier.ValueText, "method", BodyStart(m)),
        ConstructorDeclarationSyntax c => (c.Identifier.ValueText, "constructor", BodyStart(c)),
        OperatorDeclarationSyntax o => ("operator " + o.OperatorToken.ValueText, "operator", BodyStart(o)),
        LocalFunctionStatementSyntax l => (l.Identifier.ValueText, "function", ((SyntaxNode?)l.Body ?? l.ExpressionBody)?.SpanStart ?? l.Span.End),
        PropertyDeclarationSyntax p => (p.Identifier.ValueText, "property", ((SyntaxNode?)p.AccessorList ?? p.ExpressionBody)?.SpanStart ?? p.Span.End),
        IndexerDeclarationSyntax i => ("this[]", "indexer", ((SyntaxNode?)i.AccessorList ?? i.ExpressionBody)?.SpanStart ?? i.Span.End),
        EventDeclarationSyntax e => (e.Identifier.ValueText, "event", e.AccessorList?.SpanStart ?? e.Span.End),
        EnumMemberDeclarationSyntax m => (m.Identifier.ValueText, "enum_member", m.Span.End),
        VariableDeclaratorSyntax { Parent.Parent: EventFieldDeclarationSyntax } v => (v.Identifier.ValueText, "event", v.Span.End),
        VariableDeclaratorSyntax { Parent.Parent: FieldDeclarationSyntax f } v => (v.Identifier.ValueText, f.Modifiers.Any(SyntaxKind.ConstKeyword) ? "constant" : "field", v.Span.End),
        _ => null,
    };

    /// <summary>Classic extension methods, and everything in an extension block.</summary>
    private static bool IsExtension(SyntaxNode node) =>
        node.Parent is ExtensionBlockDeclarationSyntax
        || node is MethodDeclarationSyntax { ParameterList.Parameters: [var first, ..] } && first.Modifiers.Any(SyntaxKind.ThisKeyword);

    private static int HeadEnd(TypeDeclarationSyntax type) =>
        type.OpenBraceToken.IsKind(SyntaxKind.None) ? type.Span.End : type.OpenBraceToken.SpanStart;

    private static int BodyStart(BaseMethodDeclarationSyntax method) =>
        ((SyntaxNode?)method.Body ?? method.ExpressionBody)?.SpanStart ?? method.Span.End;

    /// <summary>A declaration starts behind its attributes.</summary>
    private static SyntaxToken FirstToken(SyntaxNode declaration)
    {
        var attributes = declaration switch
        {
            MemberDeclarationSyntax m => m.AttributeLists,
            LocalFunctionStatementSyntax l => l.AttributeLists,
            _ => default,
        };
        return attributes.Count == 0 ? declaration.GetFirstToken() : attributes.Last().GetLastToken().GetNextToken();
    }

    private static string? Container(SyntaxNode declaration)
    {
        List<string> parts = [];
        for (var node = declaration.Parent; node is not null; node = node.Parent)
        {
            switch (node)
            {
                case BaseNamespaceDeclarationSyntax n: parts.Add(n.Name.ToString()); break;
                case BaseTypeDeclarationSyntax t when t.Identifier.ValueText.Length > 0: parts.Add(t.Identifier.ValueText); break;
                case MethodDeclarationSyntax m: parts.Add(m.Identifier.ValueText); break;
                case LocalFunctionStatementSyntax l: parts.Add(l.Identifier.ValueText); break;
                default: break;
            }
        }

        parts.Reverse();
        return parts.Count == 0 ? null : NamePool.Get(string.Join('.', parts));
    }

    private static string Signature(int start, int end, SyntaxTree tree)
    {
        var text = tree.GetText().ToString(Microsoft.CodeAnalysis.Text.TextSpan.FromBounds(start, Math.Max(start, end)));
        var folded = string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).TrimEnd(';', ' ').Replace("( ", "(", StringComparison.Ordinal);
        return folded.Length <= MaxSignature ? folded : folded[..MaxSignature] + "…";
    }

    private static string? Accessibility(SyntaxNode declaration)
    {
        var modifiers = declaration switch
        {
            MemberDeclarationSyntax m => m.Modifiers,
            _ => default,
        };
        var spoken = modifiers.Where(m => m.Kind() is SyntaxKind.PublicKeyword or SyntaxKind.InternalKeyword or SyntaxKind.ProtectedKeyword
            or SyntaxKind.PrivateKeyword or SyntaxKind.FileKeyword).Select(m => m.ValueText);
        var written = string.Join(' ', spoken);
        return written.Length > 0 ? written : Implied(declaration);
    }

    private static string? Implied(SyntaxNode declaration) => declaration switch
    {
        LocalFunctionStatementSyntax => null,
        EnumMemberDeclarationSyntax => "public",
        { Parent: InterfaceDeclarationSyntax } => "public",
        BaseTypeDeclarationSyntax { Parent: not BaseTypeDeclarationSyntax } or DelegateDeclarationSyntax { Parent: not BaseTypeDeclarationSyntax } => "internal",
        _ => "private",
    };
}
