using RepositoryTools.Analysis;
using RepositoryTools.Repositories;
using RepositoryTools.Serving;

namespace RepositoryTools;

/// <summary>How an entity stands to another.</summary>
/// <param name="Kind">inherits, implements, derived_by, contains, calls, called_by, uses or used_by.</param>
/// <param name="Name">The other entity, with its type.</param>
/// <param name="File">Where the other is declared, or, for called_by and used_by, where it is done.</param>
/// <param name="Line">The line there.</param>
internal sealed record Relationship(string Kind, string Name, string File, int Line);

/// <summary>What <c>get_entity_relationships</c> answers. With candidates the name was ambiguous and there is no entity.</summary>
internal sealed record RelationshipList(
    string Method, IReadOnlyList<Relationship> Relationships, int Total, EntityRow? Entity = null, IReadOnlyList<EntityRow>? Candidates = null);

/// <summary>Tells what an entity is made of, stands on and is used by.</summary>
internal sealed class GetEntityRelationshipsTool(ToolContext context) : RepositoryTool<RelationshipList>(
    context, AnswerJson.Default.RelationshipList, "get_entity_relationships", "Relationships of an entity",
    "Tells for a type or member what it inherits, implements, contains, calls and uses in the repository, and what derives from, calls and uses it. C# is resolved with Roslyn, other languages by name. An ambiguous name is answered with candidates: repeat the call with Container.Name or file:line.",
    [_name, ToolArgument.Repository, _limit])
{
    private const int MaxCandidates = 20;

    private static readonly ToolArgument _name = new("name", ArgumentType.Text, "The exact name, Container.Name, or the place of the declaration as file:line, such as OrderStore, OrderStore.Save or src/store.cs:12.") { Required = true };
    private static readonly ToolArgument _limit = ToolArgument.Integer("limit", "How many relationships to answer at most.", 50, 1, 500);

    /// <inheritdoc/>
    protected override async Task<ToolAnswer<RelationshipList>> AnswerAsync(ToolCall call, CancellationToken cancellationToken)
    {
        var name = call.Arguments.Required(_name).Trim();
        return EntityChoice.Of(call.Snapshot, name) switch
        {
            [] => throw new ToolError(Unknown(call.Snapshot, name)),
            [var only] => await DescribeAsync(call, only, cancellationToken),
            var choices => Ambiguous(name, choices),
        };
    }

    private static async Task<ToolAnswer<RelationshipList>> DescribeAsync(ToolCall call, IReadOnlyList<Entity> parts, CancellationToken cancellationToken)
    {
        var compiled = Language.Of(parts[0].File) == Language.CSharp && CSharpModel.Fits(call.Snapshot);
        var method = compiled ? CSharpRelationships.Method : NameRelationships.Method;
        var all = compiled
            ? await CSharpRelationships.OfAsync(call.Repository.Root, call.Snapshot, parts, cancellationToken)
            : NameRelationships.Of(call.Repository.Root, call.Snapshot, parts, cancellationToken);
        var shown = all.Take(call.Arguments.Integer(_limit)).ToList();
        var entity = EntityRow.Of(parts[0]);
        var rows = string.Join('\n', shown.Select(r => $"{r.Kind} {r.Name} ({r.File}:{r.Line})"));
        var text = $"Method: {method}.\n{entity.Kind} {EntityNames.FullName(parts[0])} ({entity.File}:{entity.Line}-{entity.EndLine})\n{rows}\n{shown.Count} of {all.Count} relationships.";
        return new(new(method, shown, all.Count, entity), call.WithNotice(text));
    }

    private static ToolAnswer<RelationshipList> Ambiguous(string name, IReadOnlyList<IReadOnlyList<Entity>> choices)
    {
        var rows = choices.Take(MaxCandidates).Select(c => EntityRow.Of(c[0])).ToList();
        var lines = string.Join('\n', rows.Select(r => $"{r.File}:{r.Line}: {r.Kind} {(r.Container is null ? "" : r.Container + ".")}{r.Name}"));
        var text = $"'{name}' names {choices.Count} entities; repeat the call with the place, such as {rows[0].File}:{rows[0].Line}, or with Container.Name:\n{lines}";
        return new(new("name lookup", [], 0, null, rows), text);
    }

    private static string Unknown(Snapshot snapshot, string name)
    {
        var near = EntityNames.Near(snapshot.Files.Where(f => f.Reading is not null).SelectMany(f => f.Reading!.Entities), name);
        return $"'name' is '{name}', and nothing of that name is declared here. {(near.Count == 0 ? "find_entities finds parts of names." : $"Near it: {string.Join(", ", near)}.")}";
    }
}
