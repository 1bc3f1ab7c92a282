using System.Text.Json;

namespace Testing;

/// <summary>The clients of other people that read the streams of runs: those of the Vercel AI SDK (<c>ai</c>) and of AG-UI (<c>@ag-ui/client</c>).</summary>
public static class StreamClients
{
    /// <summary>Both clients read the events of a run that ended, whole and resumed after each id.</summary>
    /// <param name="api">Where the Api listens.</param>
    /// <param name="runId">The run.</param>
    /// <returns>
    /// <c>problems</c>, a list of all that one of them refused or understood differently from what the run's own events say; <c>resumed</c>, how
    /// often a stream was resumed; <c>chat</c> and <c>agent</c>, what the clients made of the run.
    /// </returns>
    public static Task<JsonElement> ReadAsync(Uri api, string runId) => RunAsync("stream-clients.mjs", Address(api), runId);

    /// <summary>Runs a client of <c>tests/npm</c> to its end.</summary>
    /// <returns>The last line it wrote, as JSON.</returns>
    public static async Task<JsonElement> RunAsync(string script, params string[] arguments)
    {
        var (exitCode, output) = await NodeProcess.RunAsync(script, arguments);
        if (exitCode != 0 || output.Count == 0)
            throw new InvalidOperationException($"{script} ended with {exitCode}:\n{string.Join('\n', output)}");
        return JsonSerializer.Deserialize<JsonElement>(output[^1]);
    }

    /// <summary>An address as the scripts take it.</summary>
    public static string Address(Uri api)
    {
        ArgumentNullException.ThrowIfNull(api);
        return api.ToString().TrimEnd('/');
    }
}
