using Microsoft.Extensions.Logging;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;
using RepositoryTools.Repositories;

namespace RepositoryTools.Serving;

/// <summary>The MCP server on stdin and stdout. It ends when stdin closes.</summary>
internal sealed class ToolServer : IAsyncDisposable
{
    private const string Instructions =
        "Reads code repositories; never writes. Start with repo_get_info, find places with search_code, find_entities or qa_codebase, then read_file. "
        + "Files are named relative to the repository and given as file:line.";

    private static readonly TimeSpan _timeLimit = TimeSpan.FromSeconds(20);
    private readonly StandardErrorLog _logs = new(LogLevel.Information);
    private readonly StandardErrorLog _sdkLogs = new(LogLevel.Warning);
    private readonly TaskCompletionSource _greeted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<Repository> _repositories;
    private readonly McpServer _server;

    internal ToolServer(IReadOnlyList<RepositoryArgument> repositories, TimeProvider clock)
    {
        var log = _logs.CreateLogger("RepositoryTools");
        _repositories = [.. repositories.Select(r => new Repository(r.Name, r.Path, clock, log))];
        var context = new ToolContext(_repositories, clock, _timeLimit, log);
        var options = new McpServerOptions
        {
            ServerInfo = new Implementation { Name = "repository-tools", Title = "Repository tools", Version = CommandLine.Version },
            ServerInstructions = Instructions,
            ToolCollection =
            [
                new RepoGetInfoTool(context),
                new SearchCodeTool(context),
                new FindEntitiesTool(context),
                new GetEntityRelationshipsTool(context),
                new QaCodebaseTool(context),
                new ReadFileTool(context),
                new ListFilesTool(context),
                new FindDuplicatesTool(context),
                new FindUntestedTool(context),
            ],
        };
        options.Filters.Message.OutgoingFilters.Add(next => async (message, cancellationToken) =>
        {
            await next(message, cancellationToken);
            _greeted.TrySetResult();
        });
        _server = McpServer.Create(new StdioServerTransport("repository-tools", _sdkLogs), options, _sdkLogs);
    }

    /// <summary>Serves until stdin closes. The indexes are built from the first answer on, so that they do not hold up the handshake.</summary>
    internal async Task RunAsync()
    {
        foreach (var repository in _repositories)
        {
            repository.Index.Start(_greeted.Task);
        }

        await _server.RunAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        foreach (var repository in _repositories)
        {
            await repository.Index.DisposeAsync();
        }
    }
}
