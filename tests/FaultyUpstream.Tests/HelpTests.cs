namespace FaultyUpstream.Tests;

public sealed class HelpTests
{
    [Theory]
    [InlineData("--help")]
    [InlineData("-h")]
    public async Task Help_IsPrinted_AndIsNoError(string argument)
    {
        await using var program = ChildProcess.Start("dotnet", [RepositoryRoot.AssemblyOf("tests/FaultyUpstream"), argument]);

        (await program.WaitForExitAsync()).ShouldBe(0);

        program.Output.ShouldContain(line => line.Contains("--fault", StringComparison.Ordinal));
    }
}
