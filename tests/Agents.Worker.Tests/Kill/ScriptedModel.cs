using System.Text.Json;
using Agents.Worker.Tests.Models;
using Microsoft.AspNetCore.Http;

namespace Agents.Worker.Tests.Kill;

/// <summary>A model behind the OpenAI API whose turns follow from what it is asked, not from who asks: the same for a worker that goes on as for the first.</summary>
internal sealed class ScriptedModel : IAsyncDisposable
{
    public const string Tool = "repository__repo_get_info";

    private const string Good = "All is well.\\n```result\\n{\\\"next_actions\\\": []}\\n```";
    private const string WithoutBlock = "All is well.";
    private const string OnlyBlock = "```result\\n{\\\"next_actions\\\": []}\\n```";

    private readonly OpenAiServer _server;

    private ScriptedModel(OpenAiServer server) => _server = server;

    /// <summary>What a request asks for.</summary>
    internal enum Turn
    {
        First,
        AfterTool,
        Repair,
    }

    public string BaseUrl => _server.BaseUrl;

    public IReadOnlyList<Turn> Turns => [.. _server.Requests.Select(request => TurnOf(request.Body))];

    /// <summary>The result of the tool as the model read it last.</summary>
    public string LastResult => _server.Requests.SelectMany(request => request.Body.GetProperty("messages").EnumerateArray())
        .Last(message => message.GetProperty("role").GetString() == "tool").GetProperty("content").GetString()!;

    /// <param name="before">Awaited before a turn is answered.</param>
    /// <param name="midway">Awaited after the first words of a turn.</param>
    /// <param name="needsRepair">Whether the answer lacks its result block, so that the worker asks once more after it.</param>
    public static async Task<ScriptedModel> StartAsync(Func<Turn, CancellationToken, Task> before, Func<Turn, CancellationToken, Task> midway, bool needsRepair)
    {
        OpenAiServer? server = null;
        server = await OpenAiServer.StartAsync(async (number, context) =>
        {
            var turn = TurnOf(server!.Requests.ElementAt(number - 1).Body);
            await before(turn, context.RequestAborted);
            context.Response.ContentType = "text/event-stream";
            if (turn == Turn.First) await SayAsync(context, Delta("Let me look. "));
            await midway(turn, context.RequestAborted);
            await SayAsync(context, turn switch
            {
                Turn.First => $$$"""{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"call_1","function":{"name":"{{{Tool}}}","arguments":"{}"}}]}}]}""",
                Turn.AfterTool => Delta(needsRepair ? WithoutBlock : Good),
                _ => Delta(OnlyBlock),
            });
            await SayAsync(context, """{"choices":[{"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}""");
            await SayAsync(context, "[DONE]");
        });
        return new ScriptedModel(server);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private static Turn TurnOf(JsonElement body)
    {
        var messages = body.GetProperty("messages").EnumerateArray().ToList();
        if (messages[^1].GetProperty("role").GetString() == "user" && messages[^1].GetProperty("content").ToString().Contains("Reply with the corrected", StringComparison.Ordinal)) return Turn.Repair;
        return messages.Exists(message => message.GetProperty("role").GetString() == "tool") ? Turn.AfterTool : Turn.First;
    }

    private static string Delta(string escaped) => $$$"""{"choices":[{"delta":{"content":"{{{escaped}}}"}}]}""";

    private static async Task SayAsync(HttpContext context, string data)
    {
        await context.Response.WriteAsync($"data: {data}\n\n", context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
    }
}
