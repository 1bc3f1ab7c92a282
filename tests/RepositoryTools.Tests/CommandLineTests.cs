namespace RepositoryTools.Tests;

public sealed class CommandLineTests
{
    [Fact]
    public async Task Help_IsPrinted_WithExitCode0()
    {
        var (exitCode, output) = await RunAsync("--help");

        exitCode.ShouldBe(0);
        output.ShouldContain("--repository name=path");
    }

    [Fact]
    public async Task Version_IsPrinted_WithExitCode0()
    {
        var (exitCode, output) = await RunAsync("--version");

        exitCode.ShouldBe(0);
        Version.TryParse(output.Trim(), out _).ShouldBeTrue(output);
    }

    [Fact]
    public async Task BadArguments_AreAllReportedAtOnce_WithExitCode2()
    {
        var (exitCode, output) = await RunAsync(
            "--repository", "nopath", "--repo", "x", "--repository", "a b=/tmp", "--repository", "a=/tmp", "--repository", "A=/var", "--repository", "e=", "--repository");

        exitCode.ShouldBe(2);
        output.ShouldContain("'nopath' has no '='");
        output.ShouldContain("'--repo' is no known argument");
        output.ShouldContain("'x' is no known argument");
        output.ShouldContain("the name 'a b' must be");
        output.ShouldContain("the name 'A' is given twice");
        output.ShouldContain("'e=': the path is empty");
        output.ShouldContain("--repository needs a value");
    }

    [Fact]
    public async Task NoArguments_AreRefused_WithAnExample()
    {
        var (exitCode, output) = await RunAsync();

        exitCode.ShouldBe(2);
        output.ShouldContain("--repository is missing");
    }

    private static async Task<(int ExitCode, string Output)> RunAsync(params string[] arguments)
    {
        await using var process = ChildProcess.Start("dotnet", [RepositoryRoot.AssemblyOf("RepositoryTools"), .. arguments]);
        var exitCode = await process.WaitForExitAsync();
        return (exitCode, string.Join('\n', process.Output));
    }
}
