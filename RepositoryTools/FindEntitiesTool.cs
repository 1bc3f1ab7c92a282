using RepositoryTools.Analysis;
using RepositoryTools.Repositories;
using RepositoryTools.Serving;

namespace RepositoryTools;

/// <summary>A type or member, as answers show it.</summary>
internal sealed record EntityRow(
    string Name, string Kind, string File, int Line, int EndLine, int Lines,
    string? Container = null, string? Signature = null, string? Accessibility = null)
{
    /// <summary>The row of an entity.</summary>
    internal static EntityRow Of(Entity entity) => new(
        entity.Name, entity.Kind, entity.File, entity.Line, entity.EndLine, entity.Lines, entity.Container, entity.Signature, entity.Accessibility);
}

/// <summary>What <c>find_entities</c> answers.</summary>
internal sealed record EntityList(string Method, IReadOnlyList<EntityRow> Entities, int Total, string? NextCursor = null);

/// <summary>Finds declared types and members.</summary>
internal sealed class FindEntitiesTool(ToolContext context) : RepositoryTool<EntityList>(
    context, AnswerJson.Default.EntityList, "find_entities", "Find entities",
    "Finds declared types, methods, functions, properties and other members, with their signature and extent. A name matches in part; * and ? are wildcards; Container.Name narrows. C# is read with Roslyn, other languages by line patterns.",
    [ToolArgument.Repository, _name, _kind, ToolArgument.Path, _orderBy, _limit, ToolArgument.Cursor])
{
    private static readonly ToolArgument _name = new("name", ArgumentType.Text,
        "Part of the name, a pattern with * and ?, or Container.Name. Letter case does not count.");

    private static readonly ToolArgument _kind = new("kind", ArgumentType.Text,
        "Only this kind; 'type' takes all kinds of types, 'function' and 'method' take each other.")
    {
        Values =
        [
            "type", "class", "interface", "struct", "record", "enum", "delegate", "trait", "protocol", "module", "method", "function", "constructor",
            "operator", "property", "indexer", "field", "constant", "event", "enum_member", "table", "view", "heading",
        ],
    };

    private static readonly ToolArgument _orderBy = new("order_by", ArgumentType.Text, "name (the default), file, or lines (longest first).")
    {
        Values = ["name", "file", "lines"],
    };

    private static readonly ToolArgument _limit = ToolArgument.Limit(20, 100);

    /// <inheritdoc/>
    protected override Task<ToolAnswer<EntityList>> AnswerAsync(ToolCall call, CancellationToken cancellationToken)
    {
        var files = PathFilter.Pick(call, ToolArgument.Path);
        var names = EntityNames.Matching(call.Arguments.Text(_name));
        var found = files.Where(f => f.Reading is not null)
            .SelectMany(f => f.Reading!.Entities)
            .Where(e => IsOfKind(e, call.Arguments.Text(_kind)) && names(e))
            .ToList();
        var method = ReadingMethods.Of(files);
        var page = Page.Take(Ordered(found, call.Arguments.Text(_orderBy)), call, "find_entities", _limit, Line);
        var text = $"Method: {method}.\n{page.Text}";
        return Task.FromResult(new ToolAnswer<EntityList>(
            new(method, [.. page.Rows.Select(EntityRow.Of)], page.Total, page.NextCursor), call.WithNotice(text)));
    }

    private static string Line(Entity e) =>
        $"{e.File}:{e.Line}-{e.EndLine}: {e.Kind} {(e.Container is null ? "" : e.Container + ".")}{e.Name} ({e.Lines} lines){(e.Signature is null ? "" : ": " + e.Signature)}";

    private static bool IsOfKind(Entity entity, string? kind) => kind switch
    {
        null => true,
        "type" => entity.IsType,
        "method" or "function" => entity.Kind is "method" or "function",
        _ => entity.Kind == kind,
    };

    private static List<Entity> Ordered(IEnumerable<Entity> entities, string? orderBy)
    {
        var ordered = orderBy switch
        {
            "lines" => entities.OrderByDescending(e => e.Lines).ThenBy(e => e.File, StringComparer.Ordinal),
            "file" => entities.OrderBy(e => e.File, StringComparer.Ordinal),
            _ => entities.OrderBy(e => e.Name, StringComparer.OrdinalIgnoreCase).ThenBy(e => e.File, StringComparer.Ordinal),
        };
        return [.. ordered.ThenBy(e => e.Line)];
    }
}
