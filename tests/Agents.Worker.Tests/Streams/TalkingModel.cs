using System.Collections.Concurrent;
using Agents.Worker.Tests.Models;
using Microsoft.AspNetCore.Http;

namespace Agents.Worker.Tests.Streams;

/// <summary>
/// A model behind the OpenAI API that any number of agents talk to. Each says some words and makes two calls at once, hears their results and answers.
/// Words of the question change that: <c>#refuse</c> (each request), <c>#refuse-one</c> (the first), <c>#break</c> (the first stream, after its first words, at <see cref="Break"/>),
/// <c>#hold</c> (after the first words, until the worker goes), <c>#pause</c> (after the first words, until <see cref="GoOn"/>).
/// </summary>
internal sealed class TalkingModel : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, bool> _done = new();
    private readonly TaskCompletionSource _goOn = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _break = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private OpenAiServer? _server;

    public string BaseUrl => _server!.BaseUrl;

    public static async Task<TalkingModel> StartAsync()
    {
        var model = new TalkingModel();
        model._server = await OpenAiServer.StartAsync(model.AnswerAsync);
        return model;
    }

    /// <summary>Ends the pauses, those to come too.</summary>
    public void GoOn() => _goOn.TrySetResult();

    /// <summary>Breaks the stream that is to be broken.</summary>
    public void Break() => _break.TrySetResult();

    public ValueTask DisposeAsync() => _server!.DisposeAsync();

    private async Task AnswerAsync(int _, HttpContext context)
    {
        var messages = context.Features.Get<OpenAiServer.Request>()!.Body.GetProperty("messages").EnumerateArray().ToList();
        var asked = string.Concat(messages.Select(message => message.GetProperty("content").ToString()));
        if (asked.Contains("#refuse-one", StringComparison.Ordinal) ? _done.TryAdd("refuse-one", true) : asked.Contains("#refuse", StringComparison.Ordinal))
        {
            await OpenAiServer.RefuseAsync(context, 400, """{"error":{"message":"this model refuses"}}""");
            return;
        }

        context.Response.ContentType = "text/event-stream";
        var heardTools = messages.Exists(message => message.GetProperty("role").GetString() == "tool");
        await SayAsync(context, heardTools ? "This is what I found: " : "Let me look. ");
        if (asked.Contains("#break", StringComparison.Ordinal) && _done.TryAdd("break", true))
        {
            await _break.Task.WaitAsync(context.RequestAborted);
            context.Abort();
            return;
        }

        if (asked.Contains("#hold", StringComparison.Ordinal)) await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);
        if (asked.Contains("#pause", StringComparison.Ordinal)) await _goOn.Task.WaitAsync(context.RequestAborted);
        await (heardTools ? SayAsync(context, "“all” <is> well,\\n\\nbut \\\"quoted\\\". \\u2028") : CallAsync(context));
        await WriteAsync(context, """{"choices":[{"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}""");
        await WriteAsync(context, "[DONE]");
    }

    private static Task SayAsync(HttpContext context, string escaped) => WriteAsync(context, $$$"""{"choices":[{"delta":{"content":"{{{escaped}}}"}}]}""");

    private static Task CallAsync(HttpContext context) => WriteAsync(context, """
        {"choices":[{"delta":{"tool_calls":[
        {"index":0,"id":"call_1","function":{"name":"repository__repo_get_info","arguments":"{\"repository\":null}"}},
        {"index":1,"id":"call_2","function":{"name":"repository__find_duplicates","arguments":"{\"limit\":3}"}}]}}]}
        """.Replace("\n", "", StringComparison.Ordinal));

    private static async Task WriteAsync(HttpContext context, string data)
    {
        await context.Response.WriteAsync($"data: {data}\n\n", context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
    }
}
