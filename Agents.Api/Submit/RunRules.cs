using System.Text.Json;
using Agents.Api.Catalog;
using Agents.Runs;

namespace Agents.Api.Submit;

/// <summary>What a run must fulfil before it is stored. All errors are named at once.</summary>
internal static class RunRules
{
    private const int MaxQueryChars = 20_000;
    private const int MaxNameChars = 200;
    private const int MaxItems = 100;
    private const int MaxLabels = 50;

    public static List<FieldError> Check(SubmitRun request, RepositoryCatalog repositories, IReadOnlyList<string> ownAgents) =>
    [
        .. Repository(request.Repository, repositories),
        .. Query(request.Query),
        .. Agents(request.Agents, ownAgents),
        .. Context(request.Context),
        .. Input(request.Input),
        .. request.Budget?.Validate() ?? [],
        .. Names("tools.allow", request.Tools?.Allow),
        .. Names("tools.deny", request.Tools?.Deny),
        .. Names("tools.require_approval", request.Tools?.RequireApproval),
        .. Name("conversation_id", request.ConversationId),
        .. Labels(request.Metadata),
    ];

    private static IEnumerable<FieldError> Repository(string? name, RepositoryCatalog repositories)
    {
        if (string.IsNullOrWhiteSpace(name))
            yield return new("repository", $"is missing. Configured: {repositories.NamesForPeople}.");
        else if (repositories.Find(name) is null)
            yield return new("repository", $"'{Short(name)}' is not configured. Configured: {repositories.NamesForPeople}. {RepositoryCatalog.HowToAdd}");
    }

    private static IEnumerable<FieldError> Query(string? query)
    {
        if (string.IsNullOrWhiteSpace(query))
            yield return new("query", "is missing: ask the agents something.");
        else if (query.Length > MaxQueryChars)
            yield return new("query", $"has {query.Length} characters; at most {MaxQueryChars} are taken.");
    }

    private static IEnumerable<FieldError> Agents(IReadOnlyList<string>? names, IReadOnlyList<string> own)
    {
        if (names is null)
            yield break;
        if (names.Count == 0)
            yield return new("agents", $"is empty: leave it out for the default ({string.Join(", ", BuiltInAgents.Default)}) or name at least one.");

        var known = BuiltInAgents.All.Select(agent => agent.Name).Concat(own).ToList();
        foreach (var unknown in names.Except(known))
            yield return new("agents", $"'{Short(unknown)}' is not an agent. Known are: {string.Join(", ", known)}.");
        foreach (var twice in names.GroupBy(name => name).Where(group => group.Count() > 1 && known.Contains(group.Key)))
            yield return new("agents", $"'{twice.Key}' is named {twice.Count()} times; name each agent once.");
    }

    private static IEnumerable<FieldError> Context(JsonElement? context)
    {
        if (context is { ValueKind: not (JsonValueKind.Object or JsonValueKind.Null) })
            yield return new("context", "is not a JSON object.");
    }

    private static IEnumerable<FieldError> Input(RunInput? input)
    {
        if (input is null)
            return [];

        return
        [
            .. Names("input.target_files", input.TargetFiles),
            .. (input.TargetFiles ?? []).Where(LeadsOut).Select(file =>
                new FieldError("input.target_files", $"'{Short(file)}' must be a path inside the repository, relative to its root.")),
            .. Name("input.analysis_depth", input.AnalysisDepth),
            .. Names("input.test_types", input.TestTypes),
            .. Name("input.documentation_type", input.DocumentationType),
        ];
    }

    private static IEnumerable<FieldError> Names(string field, IReadOnlyList<string>? names)
    {
        if (names is null)
            yield break;
        if (names.Count > MaxItems)
            yield return new(field, $"has {names.Count} items; at most {MaxItems} are taken.");
        foreach (var error in names.SelectMany(name => Name(field, name)))
            yield return error;
    }

    private static IEnumerable<FieldError> Name(string field, string? name)
    {
        if (name is not null && (string.IsNullOrWhiteSpace(name) || name.Length > MaxNameChars))
            yield return new(field, $"'{Short(name)}' must have 1 to {MaxNameChars} characters.");
    }

    private static IEnumerable<FieldError> Labels(IReadOnlyDictionary<string, string>? labels)
    {
        if (labels?.Count > MaxLabels)
            yield return new("metadata", $"has {labels.Count} labels; at most {MaxLabels} are taken.");
        foreach (var (name, _) in (labels ?? new Dictionary<string, string>()).Where(label => label.Key.Length + label.Value.Length > 2000))
            yield return new($"metadata.{Short(name)}", "is longer than 2000 characters.");
    }

    private static bool LeadsOut(string file) =>
        Path.IsPathRooted(file) || file.Contains('\0') || file.Split('/', '\\').Contains("..");

    private static string Short(string value) => value.Length <= 80 ? value : value[..80] + "…";
}
