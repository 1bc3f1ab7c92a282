using System.Globalization;
using RepositoryTools.Analysis;
using RepositoryTools.Repositories;
using RepositoryTools.Serving;

namespace RepositoryTools;

/// <summary>A part of a file that has to do with a question.</summary>
internal sealed record Passage(string File, int Line, int EndLine, string Text, double Score);

/// <summary>What <c>qa_codebase</c> answers.</summary>
internal sealed record PassageList(string Method, IReadOnlyList<Passage> Passages);

/// <summary>Finds the passages that have most to do with a question.</summary>
internal sealed class QaCodebaseTool(ToolContext context) : RepositoryTool<PassageList>(
    context, AnswerJson.Default.PassageList, "qa_codebase", "Find passages for a question",
    "Finds the passages of code and documentation that share most words with a question, best first. It is extractive: the passages are quoted, no language model writes an answer.",
    [_question, ToolArgument.Repository, ToolArgument.Path, _limit])
{
    private const string Method =
        "extractive: BM25 over methods, types and sections of documents, with identifiers split into words; no language model is asked";

    private static readonly ToolArgument _question = new("question", ArgumentType.Text, "A question or some words, such as: how are sessions leased?") { Required = true };
    private static readonly ToolArgument _limit = ToolArgument.Limit(5, 20);

    /// <inheritdoc/>
    protected override Task<ToolAnswer<PassageList>> AnswerAsync(ToolCall call, CancellationToken cancellationToken)
    {
        var question = call.Arguments.Required(_question);
        var passages = PassageRanking.Rank(
            call.Repository.Root, PathFilter.Pick(call, ToolArgument.Path), question, call.Arguments.Integer(_limit), cancellationToken);
        var text = passages.Count == 0
            ? "No passage shares a word with the question: use words that the code may use, or search_code."
            : string.Join("\n\n", passages.Select(p => string.Create(CultureInfo.InvariantCulture, $"{p.File}:{p.Line}-{p.EndLine} (score {p.Score:0.00})\n{p.Text}")));
        return Task.FromResult(new ToolAnswer<PassageList>(new(Method, passages), call.WithNotice($"Method: {Method}.\n\n{text}")));
    }
}
