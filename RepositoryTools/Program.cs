using RepositoryTools.Serving;

// stdout belongs to MCP: whatever a library prints by itself goes to stderr.
var standardOutput = Console.Out;
Console.SetOut(Console.Error);

var commandLine = CommandLine.Parse(args);
if (commandLine.Reply is { } reply)
{
    await (commandLine.ExitCode == 0 ? standardOutput : Console.Error).WriteLineAsync(reply);
    return commandLine.ExitCode;
}

await using var server = new ToolServer(commandLine.Repositories, TimeProvider.System);
await server.RunAsync();
return 0;
