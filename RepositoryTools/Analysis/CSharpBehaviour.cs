using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace RepositoryTools.Analysis;

/// <summary>Tells types that do something from types that only hold data.</summary>
internal static class CSharpBehaviour
{
    /// <summary>Whether a type has statements of its own: a method, operator or constructor with statements, or a property that computes.</summary>
    internal static bool Has(TypeDeclarationSyntax type) => type is not InterfaceDeclarationSyntax && type.Members.Any(HasStatements);

    /// <summary>How many members can be called from outside the assembly or its friends.</summary>
    internal static int PublicMembers(TypeDeclarationSyntax type) => type.Members.Count(m =>
        m is BaseMethodDeclarationSyntax or BasePropertyDeclarationSyntax && IsOpen(m, type));

    private static bool IsOpen(MemberDeclarationSyntax member, TypeDeclarationSyntax type) =>
        type is InterfaceDeclarationSyntax
        || member.Modifiers.Any(m => m.Kind() is SyntaxKind.PublicKeyword or SyntaxKind.InternalKeyword);

    private static bool HasStatements(MemberDeclarationSyntax member) => member switch
    {
        ConstructorDeclarationSyntax c => c.Body?.Statements.Any(s => !IsAssignment(s)) is true,
        BaseMethodDeclarationSyntax m => m.Body is not null || m.ExpressionBody is not null,
        PropertyDeclarationSyntax p => Computes(p.ExpressionBody?.Expression) || p.AccessorList?.Accessors.Any(a => a.Body is not null || Computes(a.ExpressionBody?.Expression)) is true,
        IndexerDeclarationSyntax => true,
        ExtensionBlockDeclarationSyntax e => e.Members.Any(HasStatements),
        _ => false,
    };

    /// <summary>A constant or another member passed on is no computation.</summary>
    private static bool Computes(ExpressionSyntax? expression) => expression is not null
        and not (LiteralExpressionSyntax or IdentifierNameSyntax or MemberAccessExpressionSyntax or TypeOfExpressionSyntax or FieldExpressionSyntax);

    private static bool IsAssignment(StatementSyntax statement) =>
        statement is ExpressionStatementSyntax { Expression: AssignmentExpressionSyntax { Right: LiteralExpressionSyntax or IdentifierNameSyntax } };
}
