using Shouldly;
using Testing;
using Xunit;

namespace ServiceDefaults.Tests.SharedTesting;

public sealed class EventuallyTests
{
    [Fact]
    public async Task Sees_ReturnsWhatWasWanted_AfterFailuresAndOtherValues()
    {
        var looks = 0;

        var seen = await Eventually.SeesAsync(() => ++looks switch { 1 => throw new IOException("not yet"), var count => count }, count => count >= 3);

        seen.ShouldBe(3);
    }

    [Fact]
    public async Task Sees_SaysWhatItWantedAndSawLast_WhenTimeIsUp()
    {
        var error = await Should.ThrowAsync<TimeoutException>(() =>
            Eventually.SeesAsync(() => "starting", state => state == "ready", TimeSpan.FromMilliseconds(50)));

        error.Message.ShouldContain("state == \"ready\"");
        error.Message.ShouldContain("Seen last: starting");
    }

    [Fact]
    public async Task Passes_KeepsTheLastFailure_WhenTimeIsUp()
    {
        var error = await Should.ThrowAsync<TimeoutException>(() =>
            Eventually.PassesAsync(() => throw new IOException("refused"), TimeSpan.FromMilliseconds(50)));

        error.InnerException.ShouldBeOfType<IOException>().Message.ShouldBe("refused");
    }
}
