using Aspire.Hosting.Local;

namespace AppHost.Tests.Standins;

public sealed class LaunchProfileTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    private string Project => _directory.PathOf("X.csproj");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Default_IsTheFirstProfile_ThatStartsTheProject()
    {
        _directory.Write("Properties/launchSettings.json", """
            { // comments are allowed
              "profiles": {
                "docker": { "commandName": "Docker" },
                "http": { "commandName": "Project", "applicationUrl": "http://localhost:5001;http://localhost:5002", "environmentVariables": { "A": "1" } },
              } }
            """);

        var profile = LaunchProfile.ReadDefault(Project)!;

        profile.Name.ShouldBe("http");
        profile.Urls.Select(url => url.Port).ShouldBe([5001, 5002]);
        profile.EnvironmentVariables["A"].ShouldBe("1");
    }

    [Fact]
    public void ProjectWithoutLaunchSettings_HasNoProfile() => LaunchProfile.ReadDefault(Project).ShouldBeNull();

    [Fact]
    public void UnknownProfile_IsAnError_ThatNamesThoseThereAre()
    {
        _directory.Write("Properties/launchSettings.json", """{ "profiles": { "http": { "commandName": "Project" } } }""");

        Should.Throw<DistributedApplicationException>(() => LaunchProfile.Read(Project, "https")).Message.ShouldContain("has no launch profile 'https'. It has: http.");
    }

    [Theory]
    [InlineData("{ nonsense")]
    [InlineData("""{ "profiles": { "http": { "commandName": "Project", "applicationUrl": "nowhere" } } }""")]
    [InlineData("""{ "profiles": [] }""")]
    public void UnreadableFile_IsAnError_ThatNamesIt(string content)
    {
        var path = _directory.Write("Properties/launchSettings.json", content);

        Should.Throw<DistributedApplicationException>(() => LaunchProfile.ReadDefault(Project)).Message.ShouldStartWith($"'{path}' cannot be read:");
    }
}
