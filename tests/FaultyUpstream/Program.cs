using FaultyUpstream;
using FaultyUpstream.Control;

if (Arguments.AskForHelp(args))
{
    await Console.Out.WriteLineAsync(Arguments.Usage);
    return 0;
}

try
{
    var arguments = Arguments.Parse(args, Environment.GetEnvironmentVariable("FAULTY_UPSTREAM_FAULTS"));
    await using var host = arguments.Stdio
        ? await FaultyUpstreamHost.StartStdioAsync(Console.OpenStandardInput(), Console.OpenStandardOutput(), arguments.Options)
        : await FaultyUpstreamHost.StartAsync(arguments.Options);
    if (arguments.Stdio) await Console.Error.WriteLineAsync($"control: {host.ControlAddress}");
    else await Console.Out.WriteLineAsync($"Now listening on: {host.BaseAddress.GetLeftPart(UriPartial.Authority)}");
    return await host.WaitAsync();
}
catch (ControlException error)
{
    await Console.Error.WriteLineAsync(error.Message);
    return 2;
}
