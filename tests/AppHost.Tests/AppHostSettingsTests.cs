using Microsoft.Extensions.Configuration;

namespace AppHost.Tests;

public sealed class AppHostSettingsTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Self_IsTheSolution_WhenNothingIsConfigured()
    {
        var settings = Read([]);

        settings.Errors.ShouldBeEmpty();
        settings.Repositories.ShouldHaveSingleItem().ShouldBe(new Repository("self", RepositoryRoot.Find()));
        settings.StorageDirectory.ShouldBe(RepositoryRoot.PathOf(".data"));
    }

    [Fact]
    public void CommandLine_WinsOverConfiguration_OfTheSameName()
    {
        var other = Directory.CreateDirectory(_directory.PathOf("other")).FullName;

        var settings = Read(["--repository", $"Shop={other}"], ("Repositories:shop:Path", _directory.FullPath), ("Repositories:docs:Path", other));

        settings.Errors.ShouldBeEmpty();
        settings.Repositories.ShouldBe([new("Shop", other), new("docs", other), new("self", RepositoryRoot.Find())], ignoreOrder: true);
    }

    [Fact]
    public void Self_CanBeReplaced() =>
        Read(["--repository", $"self={_directory.FullPath}"]).Repositories.ShouldHaveSingleItem().Path.ShouldBe(_directory.FullPath);

    [Fact]
    public void EveryFault_IsReportedAtOnce_WithItsValue()
    {
        var missing = _directory.PathOf("missing");

        var errors = Read(
            ["--repository", "noequals", "--repository", "b c=/tmp", "--repository", $"a={missing}", "--repository", "u__v=/tmp", "--repository", "e="],
            ("Repositories:docs:Path", missing), ("Workers:Replicas", "many"), ("Models:BaseUrl", "localhost")).Errors;

        errors.Count.ShouldBe(8);
        errors.ShouldContain(error => error.Contains("'noequals' has no '='", StringComparison.Ordinal));
        errors.ShouldContain(error => error.Contains("'b c' is invalid", StringComparison.Ordinal));
        errors.ShouldContain(error => error.Contains("'u__v' is invalid", StringComparison.Ordinal));
        errors.ShouldContain(error => error.Contains("--repository e=: the path is empty", StringComparison.Ordinal));
        errors.Count(error => error.Contains($"no directory '{missing}'", StringComparison.Ordinal)).ShouldBe(2);
        errors.ShouldContain(error => error.Contains("Workers:Replicas is 'many'", StringComparison.Ordinal));
        errors.ShouldContain(error => error.Contains("Models:BaseUrl is 'localhost'", StringComparison.Ordinal));
    }

    [Fact]
    public void NameGivenTwice_IsAnError() =>
        Read(["--repository", $"a={_directory.FullPath}", "--repository", $"A={_directory.FullPath}"]).Errors.ShouldHaveSingleItem().ShouldContain("'A' is given twice");

    [Theory]
    [InlineData("Models:ApiKey")]
    [InlineData("Parameters:model-api-key")]
    [InlineData("Parameters:model_api_key")]
    public void ModelKey_IsTaken_FromEveryPlaceItMayStand(string key) => Read([], (key, "sk-1")).Model.ApiKey.ShouldBe("sk-1");

    private static AppHostSettings Read(string[] args, params (string Key, string Value)[] configuration) =>
        AppHostSettings.Read(
            AppHostArguments.Parse(args),
            new ConfigurationBuilder().AddInMemoryCollection(configuration.Select(entry => KeyValuePair.Create<string, string?>(entry.Key, entry.Value))).Build(),
            RepositoryRoot.PathOf("AppHost"));
}
