using McpGateway.Upstreams;

namespace McpGateway.Tests.Upstreams;

/// <summary>What of an upstream's configuration is kept out of logs and errors.</summary>
public sealed class SecretsTests
{
    [Fact]
    public void Redact_HidesValuesWordsAndLines_AndTheLongestFirst()
    {
        var secrets = new Secrets(["Bearer tok-12345678"], ["first-line\nsecond-line", "first-line-and-more"]);

        secrets.Redact("it said tok-12345678, then second-line").ShouldBe("it said ***, then ***");
        secrets.Redact("first-line-and-more").ShouldBe("***");
    }

    [Fact]
    public void Redact_LeavesShortWordsAndPathsOfWhatIsThere()
    {
        using var directory = new TemporaryDirectory();
        var missing = directory.PathOf("not-there");
        var secrets = new Secrets(["Bearer"], [directory.FullPath, missing]);

        secrets.Redact($"Bearer {directory.FullPath}").ShouldBe($"Bearer {directory.FullPath}");
        secrets.Redact(missing).ShouldBe("***");
    }
}
