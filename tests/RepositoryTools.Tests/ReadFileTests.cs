using System.Text;

namespace RepositoryTools.Tests;

public sealed class ReadFileTests : IAsyncLifetime
{
    private readonly TemporaryDirectory _folder = new();
    private Tools _tools = null!;

    public async ValueTask InitializeAsync()
    {
        _folder.Write("src/ten.txt", string.Concat(Enumerable.Range(1, 10).Select(i => $"line {i}\n")));
        _tools = await Tools.OverAsync(_folder);
    }

    public async ValueTask DisposeAsync()
    {
        await _tools.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task ReadFile_AnswersTheRangeThatIsAskedFor()
    {
        var slice = await _tools.AnswerAsync("read_file", ("path", "src/ten.txt"), ("start_line", 3), ("max_lines", 2));

        slice.Number("start_line").ShouldBe(3);
        slice.Number("end_line").ShouldBe(4);
        slice.Number("total_lines").ShouldBe(10);
        slice.Text("text").ShouldBe("line 3\nline 4\n");
    }

    [Fact]
    public async Task ReadFile_Refuses_ALineBehindTheEnd() =>
        (await _tools.FaultAsync("read_file", ("path", "src/ten.txt"), ("start_line", 11))).ShouldBe("'start_line' is 11, but src/ten.txt has 10 lines.");

    [Fact]
    public async Task ReadFile_NamesNearFiles_WhenThereIsNone()
    {
        (await _tools.FaultAsync("read_file", ("path", "ten.txt"))).ShouldBe("'path' is 'ten.txt', and it does not exist. There is src/ten.txt.");
        (await _tools.FaultAsync("read_file", ("path", "none.txt"))).ShouldContain("it does not exist. list_files shows");
        (await _tools.FaultAsync("read_file", ("path", "src"))).ShouldContain("it is a folder");
    }

    [Fact]
    public async Task ReadFile_DropsMarksAndCarriageReturns_AndReplacesBrokenBytes()
    {
        File.WriteAllBytes(_folder.PathOf("bom.txt"), [0xEF, 0xBB, 0xBF, .. "a\r\nb\r\n"u8]);
        File.WriteAllBytes(_folder.PathOf("wide.txt"), [0xFF, 0xFE, .. Encoding.Unicode.GetBytes("äö\n")]);
        File.WriteAllBytes(_folder.PathOf("broken.txt"), [.. "ok "u8, 0xC3, 0x28, .. " end"u8]);

        (await _tools.AnswerAsync("read_file", ("path", "bom.txt"))).Text("text").ShouldBe("a\nb\n");
        (await _tools.AnswerAsync("read_file", ("path", "wide.txt"))).Text("text").ShouldBe("äö\n");
        (await _tools.AnswerAsync("read_file", ("path", "broken.txt"))).Text("text").ShouldBe("ok \uFFFD( end\n");
    }

    [Fact]
    public async Task ReadFile_AnswersAnEmptyFile()
    {
        _folder.Write("empty.txt", "");

        var slice = await _tools.AnswerAsync("read_file", ("path", "empty.txt"));

        slice.Number("total_lines").ShouldBe(0);
        slice.Text("text").ShouldBe("");
    }

    [Fact]
    public async Task ReadFile_Refuses_BinaryAndHugeFiles()
    {
        File.WriteAllBytes(_folder.PathOf("image.bin"), [1, 2, 0, 3]);
        using (var huge = File.Create(_folder.PathOf("huge.txt")))
        {
            huge.SetLength(2 * 1024 * 1024 + 1);
        }

        (await _tools.FaultAsync("read_file", ("path", "image.bin"))).ShouldContain("it is binary");
        (await _tools.FaultAsync("read_file", ("path", "huge.txt"))).ShouldContain("it has 2097153 bytes");
        var listed = await Eventually.SeesAsync(() => _tools.AnswerAsync("list_files"), a => a.Number("total") == 3);
        listed.Rows("files").Count(f => f.TryGetProperty("lines", out _)).ShouldBe(1);
    }

    [Fact]
    public async Task ReadFile_CapsItsAnswer_AndSaysHowToReadOn()
    {
        _folder.Write("long.txt", string.Concat(Enumerable.Range(0, 2000).Select(_ => new string('x', 99) + "\n")) + new string('y', 100_000) + "\n");

        var result = await _tools.CallAsync("read_file", ("path", "long.txt"), ("max_lines", 2000));
        var last = await _tools.AnswerAsync("read_file", ("path", "long.txt"), ("start_line", 2001));

        Tools.Text(result).Length.ShouldBeLessThan(42_000);
        var end = result.StructuredContent!.Value.Number("end_line");
        end.ShouldBeInRange(300, 420);
        Tools.Text(result).ShouldContain($"read on with start_line {end + 1}");
        last.Text("text").Length.ShouldBeLessThan(42_000);
    }

    [Fact]
    public async Task ReadFile_DoesNotWait_ForANamedPipe()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There are no named pipes in folders on Windows.");
        await using var maker = ChildProcess.Start("mkfifo", [_folder.PathOf("pipe")]);
        (await maker.WaitForExitAsync()).ShouldBe(0);

        (await _tools.AnswerAsync("read_file", ("path", "pipe"))).Text("text").ShouldBe("");
    }
}
