using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.Logging;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;
using RepositoryTools.Repositories;

namespace RepositoryTools.Serving;

/// <summary>The answer of a tool, as data and as lines to read.</summary>
internal sealed record ToolAnswer<T>(T Data, string Text);

/// <summary>A tool over one repository: reads the arguments, waits for the index, bounds the time, turns every fault into a tool error.</summary>
/// <typeparam name="T">The shape of the structured answer.</typeparam>
internal abstract partial class RepositoryTool<T> : McpServerTool
{
    private static readonly JsonSchemaExporterOptions _schemaOptions = new() { TreatNullObliviousAsNonNullable = true };
    private readonly ToolContext _context;
    private readonly JsonTypeInfo<T> _answerType;
    private readonly IReadOnlyList<ToolArgument> _arguments;

    /// <summary>Describes the tool to clients.</summary>
    protected RepositoryTool(
        ToolContext context, JsonTypeInfo<T> answerType, string name, string title, string description, IReadOnlyList<ToolArgument> arguments)
    {
        _context = context;
        _answerType = answerType;
        _arguments = arguments;
        ProtocolTool = new Tool
        {
            Name = name,
            Title = title,
            Description = description,
            InputSchema = InputSchema(arguments),
            OutputSchema = JsonSerializer.SerializeToElement(answerType.GetJsonSchemaAsNode(_schemaOptions), AnswerJson.Default.JsonNode),
            Annotations = new ToolAnnotations
            {
                Title = title, ReadOnlyHint = true, IdempotentHint = true, DestructiveHint = false, OpenWorldHint = false,
            },
        };
    }

    /// <inheritdoc/>
    public override Tool ProtocolTool { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<object> Metadata => [];

    /// <inheritdoc/>
    public override async ValueTask<CallToolResult> InvokeAsync(
        RequestContext<CallToolRequestParams> request, CancellationToken cancellationToken = default)
    {
        using var limit = new CancellationTokenSource(_context.TimeLimit, _context.Clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            var arguments = ToolArguments.Read(ProtocolTool.Name, _arguments, request.Params?.Arguments);
            var repository = _context.Find(arguments.Text(ToolArgument.Repository));
            var snapshot = await repository.Index.SnapshotAsync(Progress(request), both.Token);
            var work = Task.Run(() => AnswerAsync(new(repository, snapshot, arguments), both.Token), both.Token);
            var answer = await work.WaitAsync(both.Token);
            return Succeeded(answer);
        }
        catch (ToolError error)
        {
            return Failed(error.Message);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return Failed($"{ProtocolTool.Name} took longer than {_context.TimeLimit.TotalSeconds:0} s and was stopped: narrow it with 'path', or call again when the index is built.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return Failed($"The repository could not be read: {exception.Message}");
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            LogFault(_context.Log, exception, ProtocolTool.Name);
            return Failed($"{ProtocolTool.Name} failed ({exception.GetType().Name}: {exception.Message}). The fault is in the log of the server.");
        }
    }

    /// <summary>Answers one call.</summary>
    protected abstract Task<ToolAnswer<T>> AnswerAsync(ToolCall call, CancellationToken cancellationToken);

    private CallToolResult Succeeded(ToolAnswer<T> answer) => new()
    {
        Content = [new TextContentBlock { Text = answer.Text }],
        StructuredContent = JsonSerializer.SerializeToElement(answer.Data, _answerType),
    };

    private static CallToolResult Failed(string message) => new()
    {
        IsError = true,
        Content = [new TextContentBlock { Text = message }],
    };

    private static JsonElement InputSchema(IReadOnlyList<ToolArgument> arguments)
    {
        var properties = new JsonObject();
        foreach (var argument in arguments)
        {
            properties[argument.Name] = argument.Schema();
        }

        var schema = new JsonObject
        {
            ["type"] = "object",
            ["properties"] = properties,
            ["required"] = new JsonArray([.. arguments.Where(a => a.Required).Select(a => JsonValue.Create(a.Name))]),
            ["additionalProperties"] = false,
        };
        return JsonSerializer.SerializeToElement(schema, AnswerJson.Default.JsonObject);
    }

    private static Func<IndexProgress, CancellationToken, Task>? Progress(RequestContext<CallToolRequestParams> request) =>
        request.Params?.ProgressToken is not { } token
            ? null
            : (progress, cancellationToken) => request.Server.NotifyProgressAsync(
                token,
                new ProgressNotificationValue
                {
                    Progress = progress.Done, Total = progress.Total, Message = $"Reading {progress.Repository}: {progress.Done} of {progress.Total} files",
                },
                cancellationToken: cancellationToken);

    [LoggerMessage(Level = LogLevel.Error, Message = "{Tool} failed")]
    private static partial void LogFault(ILogger log, Exception exception, string tool);
}
