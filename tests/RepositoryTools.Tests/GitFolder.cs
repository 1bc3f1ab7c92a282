namespace RepositoryTools.Tests;

/// <summary>Makes a git repository of a folder; a test that needs git is skipped, or fails in CI, without it.</summary>
internal static class GitFolder
{
    internal static async Task RunAsync(TemporaryDirectory folder, params string[] arguments)
    {
        try
        {
            await using var git = ChildProcess.Start(
                "git", ["-c", "user.name=Test", "-c", "user.email=test@example.test", .. arguments], workingDirectory: folder.FullPath);
            (await git.WaitForExitAsync()).ShouldBe(0, string.Join('\n', git.Output));
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Requires.Missing("Needs git on PATH.");
        }
    }
}
