using System.Runtime.CompilerServices;
using System.Text;
using Agents.Runs;
using Agents.Worker.Loop;
using Microsoft.Extensions.AI;

namespace Agents.Worker.Models.Offline;

/// <summary>
/// Answers without a language model: a fixed plan per agent asks the real tools, and the report holds only what they answered. It goes through
/// the same loop as a model, says what it is, and claims no confidence.
/// </summary>
internal sealed class OfflineChatClient : IChatClient
{
    private static readonly QuestionPlan Other = new();

    private static readonly Dictionary<string, OfflinePlan> Plans = new(StringComparer.Ordinal)
    {
        [BuiltInAgents.Simplifier] = new SimplifierPlan(),
        [BuiltInAgents.Tester] = new TesterPlan(),
        [BuiltInAgents.ConvoStarter] = new ConvoStarterPlan(),
        [BuiltInAgents.Summarizer] = new SummarizerPlan(),
        [BuiltInAgents.Documentation] = new DocumentationPlan(),
    };

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var desk = new OfflineDesk(messages, options);
        var plan = Plans.GetValueOrDefault(desk.Agent, Other);
        var calls = plan.Calls(desk).OfType<FunctionCallContent>().ToList<AIContent>();
        if (calls.Count == 0)
        {
            foreach (var paragraph in Report(desk, plan).Split('\n'))
            {
                cancellationToken.ThrowIfCancellationRequested();
                yield return Update([new TextContent(paragraph + '\n')]);
                await Task.Yield();
            }
        }

        var end = Update([.. calls, new UsageContent(new UsageDetails { InputTokenCount = 0, OutputTokenCount = 0, TotalTokenCount = 0 })]);
        end.FinishReason = calls.Count == 0 ? ChatFinishReason.Stop : ChatFinishReason.ToolCalls;
        yield return end;
    }

    public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        GetStreamingResponseAsync(messages, options, cancellationToken).ToChatResponseAsync(cancellationToken);

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(ChatClientMetadata) ? new ChatClientMetadata(ModelOptions.Offline, null, ModelOptions.Offline)
        : serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose()
    {
    }

    private static ChatResponseUpdate Update(IList<AIContent> contents) => new(ChatRole.Assistant, contents) { ModelId = ModelOptions.Offline };

    private static string Report(OfflineDesk desk, OfflinePlan plan)
    {
        var report = new StringBuilder("_Offline report: no language model was used. Every line comes from a tool result._\n\n");
        object? field = null;
        if (desk.HasResults) field = plan.Write(desk, report);
        else report.Append("Nothing was analysed: ").Append(desk.HasTools || desk.Failures.Any() ? "no tool gave a result." : "no tools could be reached.").Append('\n');
        foreach (var (tool, why) in desk.Failures) report.Append("\n> ").Append(tool).Append(" gave no result: ").Append(why);
        if (desk.OutputField is { } name) report.Append('\n').Append(ResultBlock.Write(name, field ?? Nothing(name)));
        return report.ToString();
    }

    private static object Nothing(string field) => field is "suggestions_table" or "condensed_summary" ? "Nothing was analysed." : Array.Empty<string>();
}
