using System.Text.Json.Nodes;
using McpGateway.Sessions;

namespace McpGateway.Tests.Sessions;

public sealed class ClientCapabilitiesTests
{
    [Theory]
    [InlineData("{}", "{}")]
    [InlineData("""{"roots":{"listChanged":true}}""", """{"roots":{"listChanged":true}}""")]
    [InlineData("""{"roots":{"listChanged":false}}""", """{"roots":{}}""")]
    [InlineData("""{"roots":{"listChanged":"yes"},"sampling":true}""", """{"roots":{}}""")]
    [InlineData("""{"sampling":{"tools":{},"context":{},"more":{}}}""", """{"sampling":{"tools":{},"context":{}}}""")]
    [InlineData("""{"elicitation":{}}""", """{"elicitation":{}}""")]
    [InlineData("""{"elicitation":{"form":{}}}""", """{"elicitation":{}}""")]
    [InlineData("""{"elicitation":{"url":{}}}""", """{"elicitation":{"url":{}}}""")]
    [InlineData("""{"elicitation":{"url":{},"form":{}}}""", """{"elicitation":{"form":{},"url":{}}}""")]
    [InlineData("""{"experimental":{"x":{}},"tasks":{}}""", "{}")]
    public void Read_KeepsWhatIsKnown_AndItIsSaidInTheSameWords(string declared, string kept)
    {
        var read = ClientCapabilitiesJson.Read(JsonNode.Parse(declared));

        read.ToJson().ToJsonString().ShouldBe(kept);
        ClientCapabilitiesJson.Read(read.ToJson()).ShouldBe(read);
    }

    [Fact]
    public void Profile_IsOneObject_HoweverItIsSpelled()
    {
        var profile = SessionProfile.Of("2025-11-25", ClientCapabilities.SamplingTools | ClientCapabilities.RootsListChanged);

        profile.ShouldBeSameAs(SessionProfile.Of("2025-11-25", ClientCapabilities.SamplingTools | ClientCapabilities.Sampling | ClientCapabilities.RootsListChanged | ClientCapabilities.Roots));
        profile.ToString().ShouldBe("2025-11-25 with Roots, RootsListChanged, Sampling, SamplingTools");
        SessionProfile.Default.ToString().ShouldBe("2025-11-25");
        Should.Throw<ArgumentException>(() => SessionProfile.Of("2026-07-28", ClientCapabilities.None));
    }
}
