namespace AppHost.Tests;

public sealed class AppHostArgumentsTests
{
    [Fact]
    public void Repositories_AreAllKept_InBothSpellings()
    {
        var arguments = AppHostArguments.Parse(["--repository", "a=/x", "--Workers:Replicas", "2", "--repository=b=/y=z"]);

        arguments.Repositories.ShouldBe(["a=/x", "b=/y=z"]);
        arguments.Configuration.ShouldBe(["--Workers:Replicas", "2"]);
        arguments.Errors.ShouldBeEmpty();
    }

    [Fact]
    public void SwitchWithoutValue_DoesNotSwallowTheNextSwitch()
    {
        var arguments = AppHostArguments.Parse(["--repository", "--Workers:Replicas=2"]);

        arguments.Configuration.ShouldBe(["--Workers:Replicas=2"]);
        arguments.Errors.ShouldHaveSingleItem().ShouldContain("--repository has no value");
    }

    [Fact]
    public void LooseArgument_IsAnError_ThatShowsTheSwitch() =>
        AppHostArguments.Parse(["shop=/code/shop"]).Errors.ShouldHaveSingleItem().ShouldContain("--repository shop=/code/shop");

    [Theory]
    [InlineData("--help")]
    [InlineData("-h")]
    public void Help_IsRecognised_AndKeptFromConfiguration(string argument)
    {
        var arguments = AppHostArguments.Parse([argument]);

        arguments.WantsHelp.ShouldBeTrue();
        arguments.Configuration.ShouldBeEmpty();
    }
}
