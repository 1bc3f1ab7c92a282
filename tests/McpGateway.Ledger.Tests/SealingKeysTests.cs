using System.Security.Cryptography;
using McpGateway.Sessions.Ledger;
using McpGateway.Upstreams;
using Microsoft.Extensions.Configuration;

namespace McpGateway.Ledger.Tests;

public sealed class SealingKeysTests : IDisposable
{
    private static readonly byte[] s_plain = [1, 2, 3, 4, 5];

    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void Open_GivesBackWhatWasSealed_AndSealsDifferEachTime()
    {
        var keys = new SealingKeys([Key("a")]);
        var sealedText = keys.Seal(s_plain, "up\nprint");

        keys.Open(sealedText, "up\nprint").ShouldBe(s_plain);
        sealedText.ShouldStartWith("a.");
        keys.Seal(s_plain, "up\nprint").ShouldNotBe(sealedText);
    }

    [Fact]
    public void Open_Refuses_WhenAnyCharacterWasChanged()
    {
        var keys = new SealingKeys([Key("a")]);
        var sealedText = keys.Seal(s_plain, "up");
        for (var i = 0; i < sealedText.Length; i++)
        {
            var changed = $"{sealedText[..i]}{(sealedText[i] == 'A' ? 'B' : 'A')}{sealedText[(i + 1)..]}";
            // The last character carries bits that are no part of the bytes; one that still decodes to the same bytes is no change.
            if (i == sealedText.Length - 1 && Decodes(changed, sealedText)) continue;
            Should.Throw<SealBrokenException>(() => keys.Open(changed, "up"), $"character {i}");
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("a.")]
    [InlineData("a.AAAA")]
    [InlineData("a.*")]
    [InlineData("b.AAAA")]
    [InlineData("no dot")]
    public void Open_Refuses_WhatIsNoSealedText(string text) => Should.Throw<SealBrokenException>(() => new SealingKeys([Key("a")]).Open(text, "up"));

    [Fact]
    public void Open_Refuses_WhatBelongsElsewhere()
    {
        var keys = new SealingKeys([Key("a")]);
        Should.Throw<SealBrokenException>(() => keys.Open(keys.Seal(s_plain, "up\nprint"), "up\nother"));
    }

    [Fact]
    public void Open_Refuses_AnotherKeyOfTheSameId() =>
        Should.Throw<SealBrokenException>(() => new SealingKeys([Key("a")]).Open(new SealingKeys([Key("a")]).Seal(s_plain, "up"), "up"));

    [Fact]
    public void Rotation_OpensWhatTheOldKeySealed_AndSealsWithTheNewOne()
    {
        var (old, now) = (Key("old"), Key("new"));
        var before = new SealingKeys([old]).Seal(s_plain, "up");
        var rotated = new SealingKeys([now, old]);

        rotated.Open(before, "up").ShouldBe(s_plain);
        rotated.Seal(s_plain, "up").ShouldStartWith("new.");
        new SealingKeys([now]).Knows(before).ShouldBeFalse();
    }

    [Fact]
    public void Options_ReadKeysInTheOrderWritten()
    {
        var (one, two) = (Written("one"), Written("two"));
        Read(("Gateway:Keys", $"{two}, {one}")).Keys.Select(key => key.Id).ShouldBe(["two", "one"]);
        Read(("Gateway:Keys:0", two), ("Gateway:Keys:1", one)).Keys.Select(key => key.Id).ShouldBe(["two", "one"]);
        Read().Keys.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("hunter2", "Gateway:Keys: entry 1 is no key")]
    [InlineData("a:aHVudGVyMg==", "Gateway:Keys: entry 1 is no key")]
    [InlineData("bad id:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", "Gateway:Keys: entry 1 is no key")]
    [InlineData("a:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=,a:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", "Gateway:Keys: entry 2 has the id 'a'")]
    public void Options_NameTheEntry_AndNeverItsValue(string text, string error)
    {
        var found = Read(("Gateway:Keys", text)).Errors.ShouldHaveSingleItem();
        found.ShouldStartWith(error);
        found.ShouldNotContain("hunter2");
        found.ShouldNotContain("aHVudGVyMg");
        found.ShouldNotContain("MDEy");
    }

    [Fact]
    public void KeyFile_IsMadeOnce_ForThisUserAlone()
    {
        var key = SealingKeyFile.Open(_directory.FullPath);

        SealingKeyFile.Open(_directory.FullPath).Bytes.ShouldBe(key.Bytes);
        Directory.GetFiles(_directory.FullPath).ShouldBe([_directory.PathOf("gateway.key")]);
        if (!OperatingSystem.IsWindows()) File.GetUnixFileMode(_directory.PathOf("gateway.key")).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    [Fact]
    public async Task KeyFile_IsTheSameForAll_WhenManyGatewaysStartAtOnce()
    {
        var keys = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(() => SealingKeyFile.Open(_directory.FullPath))));

        keys.Select(key => key.Id).Distinct().ShouldHaveSingleItem();
        Directory.GetFiles(_directory.FullPath).Length.ShouldBe(1);
    }

    [Fact]
    public void KeyFile_ThatOthersMayRead_IsRefused()
    {
        SealingKeyFile.Open(_directory.FullPath);
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("There are no permission bits on Windows.");
            return;
        }

        File.SetUnixFileMode(_directory.PathOf("gateway.key"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);

        Should.Throw<GatewayConfigurationException>(() => SealingKeyFile.Open(_directory.FullPath)).Message.ShouldContain("chmod 600");
    }

    [Fact]
    public void KeyFile_ThatHoldsNoKey_IsRefusedWithoutBeingShown()
    {
        _directory.Write("gateway.key", "hunter2");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(_directory.PathOf("gateway.key"), UnixFileMode.UserRead | UnixFileMode.UserWrite);

        var message = Should.Throw<GatewayConfigurationException>(() => SealingKeyFile.Open(_directory.FullPath)).Message;
        message.ShouldContain("holds no key");
        message.ShouldNotContain("hunter2");
    }

    private static SealingKey Key(string id) => new(id, [.. RandomNumberGenerator.GetBytes(32)]);

    private static string Written(string id) => $"{id}:{Convert.ToBase64String(RandomNumberGenerator.GetBytes(32))}";

    private static SealingKeyOptions Read(params (string Key, string? Value)[] values) =>
        SealingKeyOptions.Read(new ConfigurationBuilder().AddInMemoryCollection(values.Select(value => KeyValuePair.Create(value.Key, value.Value))).Build());

    private static bool Decodes(string one, string two) =>
        System.Buffers.Text.Base64Url.IsValid(one.AsSpan(2)) && System.Buffers.Text.Base64Url.DecodeFromChars(one.AsSpan(2)).SequenceEqual(System.Buffers.Text.Base64Url.DecodeFromChars(two.AsSpan(2)));
}
