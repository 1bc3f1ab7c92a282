using McpGateway.Protocol;
using McpGateway.Upstreams;
using Microsoft.Data.Sqlite;

namespace McpGateway.Tests.Upstreams;

public sealed class UpstreamLedgerTests : IDisposable
{
    private static readonly DateTimeOffset s_now = new(2026, 8, 1, 12, 0, 0, TimeSpan.FromHours(2));

    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Find_Remembers_AfterARestart()
    {
        var memory = new EraMemory(McpEra.Legacy, UpstreamTransport.Sse, s_now);
        using (var before = new UpstreamLedger(_directory.FullPath))
        {
            before.Save("a", "print", new EraMemory(McpEra.Modern, UpstreamTransport.Http, s_now));
            before.Save("a", "print", memory);
        }

        using var after = new UpstreamLedger(_directory.FullPath);
        after.Find("a", "print").ShouldBe(memory);
        after.Find("b", "print").ShouldBeNull();
    }

    [Fact]
    public void Find_ForgetsWhatItKnew_WhenTheUpstreamIsConfiguredAnew()
    {
        using var ledger = new UpstreamLedger(_directory.FullPath);
        ledger.Save("a", "one", new EraMemory(McpEra.Modern, UpstreamTransport.Http, s_now));

        ledger.Find("a", "two").ShouldBeNull();
        ledger.Save("a", "two", new EraMemory(McpEra.Legacy, UpstreamTransport.Http, s_now));
        ledger.Find("a", "one").ShouldBeNull();
    }

    [Fact]
    public void Forget_RemovesTheEntry()
    {
        using var ledger = new UpstreamLedger(_directory.FullPath);
        ledger.Save("a", "one", new EraMemory(McpEra.Modern, UpstreamTransport.Http, s_now));

        ledger.Forget("a");
        ledger.Forget("a");

        ledger.Find("a", "one").ShouldBeNull();
    }

    [Fact]
    public void Open_RefusesANewerFile_WithASentence()
    {
        new UpstreamLedger(_directory.FullPath).Dispose();
        using (var connection = new SqliteConnection($"Data Source={_directory.PathOf("gateway.db")}"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "PRAGMA user_version=99";
            command.ExecuteNonQuery();
        }

        Should.Throw<GatewayConfigurationException>(() => new UpstreamLedger(_directory.FullPath)).Message
            .ShouldBe($"The ledger {_directory.PathOf("gateway.db")} has schema version 99, and this gateway knows versions up to 1. Start the newer gateway, or another Storage:Directory.");
    }

    [Fact]
    public void Open_SaysWhatToDo_WhenTheFileIsNoDatabase()
    {
        _directory.Write("gateway.db", new string('x', 4096));

        Should.Throw<GatewayConfigurationException>(() => new UpstreamLedger(_directory.FullPath)).Message.ShouldContain("cannot be opened");
    }

    [Fact]
    public void Open_TwoGatewaysShareAFile()
    {
        using var one = new UpstreamLedger(_directory.FullPath);
        using var two = new UpstreamLedger(_directory.FullPath);

        one.Save("a", "x", new EraMemory(McpEra.Modern, UpstreamTransport.Http, s_now));

        two.Find("a", "x")!.Era.ShouldBe(McpEra.Modern);
    }

    [Theory]
    [InlineData(McpEra.Legacy, 23.99, true)]
    [InlineData(McpEra.Legacy, 24, false)]
    [InlineData(McpEra.Modern, 10_000, true)]
    public void EraMemory_LetsALegacyVerdictExpire_AfterADay(object era, double hours, bool holds) =>
        new EraMemory((McpEra)era, UpstreamTransport.Http, s_now).HoldsAt(s_now + TimeSpan.FromHours(hours)).ShouldBe(holds);
}
