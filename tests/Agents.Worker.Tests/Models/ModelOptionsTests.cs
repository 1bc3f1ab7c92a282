using Agents.Worker.Models;

namespace Agents.Worker.Tests.Models;

public sealed class ModelOptionsTests
{
    private const string Key = "sk-very-secret";

    [Fact]
    public void Provider_IsOffline_WithoutAKey() => new ModelOptions().EffectiveProvider.ShouldBe("offline");

    [Fact]
    public void Provider_IsOpenAi_WithAKey() => new ModelOptions { ApiKey = Key }.EffectiveProvider.ShouldBe("openai");

    [Fact]
    public void Validate_AcceptsTheDefaults() => Errors(new ModelOptions()).ShouldBeEmpty();

    [Fact]
    public void Validate_AcceptsALocalServerWithoutAKey() =>
        Errors(new ModelOptions { Provider = "openai", BaseUrl = "http://localhost:11434/v1", Model = "llama3.2" }).ShouldBeEmpty();

    [Fact]
    public void Validate_AcceptsAnthropic_WithAKeyOrAServerThatNeedsNone()
    {
        Errors(new ModelOptions { Provider = "anthropic", Model = "claude", ApiKey = Key }).ShouldBeEmpty();
        Errors(new ModelOptions { Provider = "anthropic", Model = "claude", BaseUrl = "http://localhost:11434" }).ShouldBeEmpty();
    }

    [Fact]
    public void Validate_NamesWhatAnthropicNeeds() =>
        Errors(new ModelOptions { Provider = "anthropic", Temperature = 1.5f, MaxOutputTokens = 0 }).Select(error => error.Split(' ')[0])
            .ShouldBe(["Models:Model", "Models:ApiKey", "Models:Temperature", "Models:MaxOutputTokens"]);

    [Fact]
    public void Validate_ReportsEverythingAtOnce_AndNeverTheKey()
    {
        var errors = Errors(new ModelOptions
        {
            ApiKey = Key + " \n", BaseUrl = "localhost:11434", Temperature = 3, MaxAttempts = 0, Timeout = TimeSpan.Zero, MaxConcurrency = 0,
            RetryDelay = TimeSpan.FromHours(1), MaxRetryDelay = TimeSpan.FromHours(1), ApiKeyHeader = "bad header",
        });

        errors.Count.ShouldBe(10);
        new[] { "Models:Model", "Models:BaseUrl", "Models:ApiKey ", "Models:ApiKeyHeader", "Models:Temperature", "Models:MaxAttempts", "Models:Timeout", "Models:MaxConcurrency", "Models:RetryDelay", "Models:MaxRetryDelay" }
            .ShouldAllBe(key => errors.Any(error => error.StartsWith(key)));
        string.Concat(errors).ShouldNotContain(Key);
    }

    [Theory]
    [InlineData("ftp://host/v1")]
    [InlineData("not a url")]
    [InlineData("https://user:pw@host/v1")]
    public void Validate_RefusesABaseUrlThatCannotBe(string url) =>
        Errors(new ModelOptions { Provider = "openai", Model = "m", BaseUrl = url }).ShouldHaveSingleItem().ShouldStartWith("Models:BaseUrl");

    [Fact]
    public void Validate_NamesEveryWrongPrice()
    {
        var options = new ModelOptions { Prices = { new ModelPrice { Model = "m", Input = -1 }, new ModelPrice { Model = "m", Input = 0, Output = 20_000 }, new ModelPrice { Input = 1, Output = 1 } } };

        Errors(options).Select(error => error.Split(' ')[0]).ShouldBe(["Models:Prices:0:Input", "Models:Prices:0:Output", "Models:Prices:1:Output", "Models:Prices:2:Model", "Models:Prices"]);
    }

    [Fact]
    public void Validate_RefusesAnUnknownProvider() =>
        Errors(new ModelOptions { Provider = "oracle" }).ShouldHaveSingleItem().ShouldBe("Models:Provider is 'oracle': use 'offline', 'openai' or 'anthropic'.");

    [Fact]
    public void Validate_SaysThatAModelIsNotUsed_WithoutAKeyAndAProvider() =>
        Errors(new ModelOptions { Model = "llama3.2", BaseUrl = "http://localhost:11434/v1" }).ShouldAllBe(error => error.Contains("set Models:Provider to 'openai'"));

    private static List<string> Errors(ModelOptions options) => [.. new ModelOptionsValidation().Validate(null, options).Failures ?? []];
}
