using System.Text;
using McpGateway.Protocol;
using McpGateway.Upstreams.Links;

namespace McpGateway.Tests.Links;

public sealed class BoundedEventsTests
{
    private const int Limit = 10_000;

    [Theory]
    [InlineData("\n")]
    [InlineData("\r\n")]
    [InlineData("\r")]
    public async Task Events_OfTheLimit_AllPass_HoweverTheirLinesEnd(string end)
    {
        var large = $"event: message{end}id: 7{end}data: {new string('x', Limit)}{end}{end}";
        var comments = string.Concat(Enumerable.Repeat($": alive{end}", Limit));
        var lines = string.Concat(Enumerable.Repeat($"data: x{end}", Limit / 2)) + end;

        var lengths = await ReadAsync(large + comments + large + lines + large);

        lengths.ShouldBe([Limit, Limit, Limit - 1, Limit]);
    }

    [Fact]
    public async Task Event_IsRefused_WhenItIsOneByteLarger() =>
        (await Should.ThrowAsync<MessageTooLargeException>(() => ReadAsync($"data: {new string('x', Limit + 1)}\n\n"))).Limit.ShouldBe(Limit);

    [Theory]
    [InlineData("data: ")]
    [InlineData(": ")]
    [InlineData("data: x\ndata: ")]
    public async Task Line_IsRefused_LongBeforeItsEnd(string start)
    {
        using var endless = new Endless(start);

        await Should.ThrowAsync<MessageTooLargeException>(() => ReadAsync(endless));

        endless.Given.ShouldBeLessThan(10 * Limit);
    }

    private static Task<List<int>> ReadAsync(string body) => ReadAsync(new MemoryStream(Encoding.UTF8.GetBytes(body)));

    private static async Task<List<int>> ReadAsync(Stream body)
    {
        var lengths = new List<int>();
        await foreach (var item in BoundedEvents.Parse(body, Limit).EnumerateAsync(TestContext.Current.CancellationToken))
        {
            using (item.Data) lengths.Add(item.Data.Length);
        }

        return lengths;
    }

    /// <summary>A start, and then one line that does not end.</summary>
    private sealed class Endless(string start) : MemoryStream(Encoding.UTF8.GetBytes(start))
    {
        public long Given { get; private set; }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var read = await base.ReadAsync(buffer, cancellationToken);
            if (read == 0)
            {
                read = Math.Min(buffer.Length, 4096);
                buffer.Span[..read].Fill((byte)'x');
            }

            Given += read;
            return read;
        }
    }
}
