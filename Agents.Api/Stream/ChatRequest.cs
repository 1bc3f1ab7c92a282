using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Serialization;
using Agents.Api.Catalog;
using Agents.Api.Submit;
using Agents.Runs;

namespace Agents.Api.Stream;

/// <summary>What <c>DefaultChatTransport</c> of the Vercel AI SDK sends; the members of a run come from its option <c>body</c>.</summary>
internal sealed record ChatRequest : ClientRun
{
    /// <summary>The chat; the conversation its runs belong to.</summary>
    [Required]
    public string? Id { get; init; }

    /// <summary>The messages of the chat. The last one is the question; what was said before is known by the conversation.</summary>
    [Required]
    public JsonElement? Messages { get; init; }

    /// <summary><c>submit-message</c> or <c>regenerate-message</c>; both ask.</summary>
    public string? Trigger { get; init; }

    /// <summary>The message to be made anew; it is made in any case.</summary>
    [JsonPropertyName("messageId")]
    public string? MessageId { get; init; }

    /// <summary>Whatever the agents should know; a JSON object.</summary>
    public JsonElement? Context { get; init; }

    public SubmitRun ToRun(RepositoryCatalog repositories) => Submit(this, Question(Messages, "parts"), Id, repositories) with { Context = Context };

    /// <summary>An error of the run in the words of this request.</summary>
    public static FieldError InItsWords(FieldError error) => error.Field switch
    {
        "query" when error.Message.StartsWith("is missing", StringComparison.Ordinal) => new("messages", "must end with a message of the user that has text. To decide about a tool call: POST /api/v1/runs/{id}/approvals/{approval}."),
        "query" => error with { Field = "messages" },
        "conversation_id" => error with { Field = "id" },
        _ => error,
    };
}
