using System.Text;
using Agents.Worker.Tools;

namespace Agents.Worker.Tests.Tools;

public sealed class ResultCapTests
{
    [Fact]
    public void Apply_LeavesWhatFitsAsItIs() => ResultCap.Apply(new string('a', 1000), 1000).ShouldBe(new string('a', 1000));

    [Fact]
    public void Apply_KeepsHeadAndTailAndSaysHowMuchIsLeftOut()
    {
        var text = "BEGIN" + new string('x', 100_000) + "END";

        var capped = ResultCap.Apply(text, 50 * 1024);

        capped.ShouldStartWith("BEGINxxx");
        capped.ShouldEndWith("xxxEND");
        capped.ShouldContain($"{text.Length - (50 * 1024)} bytes left out");
        Encoding.UTF8.GetByteCount(capped).ShouldBeLessThan((50 * 1024) + 200);
    }

    [Fact]
    public void Apply_CutsNoCharacterInHalf()
    {
        var text = string.Concat(Enumerable.Repeat("ä😀日", 5000));

        for (var max = 1024; max < 1034; max++)
        {
            var capped = ResultCap.Apply(text, max);
            Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(capped)).ShouldBe(capped);
            capped.ShouldNotContain('\uFFFD');
        }
    }
}
