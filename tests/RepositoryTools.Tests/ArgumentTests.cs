namespace RepositoryTools.Tests;

public sealed class ArgumentTests : IAsyncLifetime
{
    private readonly TemporaryDirectory _one = new();
    private readonly TemporaryDirectory _two = new();
    private Tools _tools = null!;

    public async ValueTask InitializeAsync()
    {
        _one.Write("a.txt", "hello\n");
        _tools = await Tools.StartAsync($"one={_one.FullPath}", $"two={_two.FullPath}", "gone=/nowhere/at/all");
    }

    public async ValueTask DisposeAsync()
    {
        await _tools.DisposeAsync();
        _one.Dispose();
        _two.Dispose();
    }

    [Fact]
    public async Task Repository_IsRequired_WhenSeveralAreConfigured() =>
        (await _tools.FaultAsync("list_files")).ShouldBe("'repository' is missing and 3 are configured: give one of one, two, gone.");

    [Fact]
    public async Task Repository_ThatIsNotConfigured_IsNamedWithThoseThatAre() =>
        (await _tools.FaultAsync("list_files", ("repository", "three"))).ShouldBe("'repository' is 'three', which is not configured: give one of one, two, gone.");

    [Fact]
    public async Task Repository_WhoseFolderIsMissing_IsAToolError()
    {
        var fault = await _tools.FaultAsync("search_code", ("repository", "gone"), ("query", "x"));

        fault.ShouldContain("'gone'");
        fault.ShouldContain("/nowhere/at/all");
        (await _tools.AnswerAsync("search_code", ("repository", "one"), ("query", "hello"))).Number("total").ShouldBe(1);
    }

    [Fact]
    public async Task Faults_AreAllTold_InOneAnswer()
    {
        var fault = await _tools.FaultAsync(
            "find_duplicates", ("repository", "one"), ("min_lines", 2), ("limit", "many"), ("colour", "red"), ("path", 7));

        fault.ShouldContain("'min_lines' is 2: give a whole number from 3 to 100.");
        fault.ShouldContain("'limit' is \"many\": give a whole number from 1 to 100.");
        fault.ShouldContain("'colour' is no argument of find_duplicates");
        fault.ShouldContain("'path' is 7: give a string.");
    }

    [Fact]
    public async Task RequiredArgument_IsNamed_WhenMissingOrEmpty()
    {
        (await _tools.FaultAsync("search_code", ("repository", "one"))).ShouldContain("'query' is missing");
        (await _tools.FaultAsync("search_code", ("repository", "one"), ("query", " "))).ShouldContain("'query' is empty");
    }

    [Theory]
    [InlineData("limit", 1.5)]
    [InlineData("limit", 0)]
    [InlineData("limit", 101)]
    [InlineData("limit", 1e300)]
    [InlineData("regex", "yes")]
    public async Task Value_OutOfRangeOrOfAnotherType_IsRefused(string name, object value) =>
        (await _tools.FaultAsync("search_code", ("repository", "one"), ("query", "x"), (name, value))).ShouldContain($"'{name}' is ");

    [Fact]
    public async Task Text_ThatIsTooLong_IsRefused() =>
        (await _tools.FaultAsync("search_code", ("repository", "one"), ("query", new string('x', 2001)))).ShouldContain("it has 2001 characters");

    [Fact]
    public async Task Null_CountsAsAbsent_AndAWholeFloatAsInteger() =>
        (await _tools.AnswerAsync("search_code", ("repository", "one"), ("query", "hello"), ("path", null), ("limit", 2.0))).Number("total").ShouldBe(1);

    [Fact]
    public async Task Cursor_ThatIsForeign_IsRefusedWithTheRemedy()
    {
        for (var i = 0; i < 5; i++)
        {
            _two.Write($"f{i}.txt", "same\n");
        }

        var first = await Eventually.SeesAsync(
            () => _tools.AnswerAsync("search_code", ("repository", "two"), ("query", "same"), ("limit", 2)), a => a.Number("total") == 5);
        var cursor = first.Text("next_cursor");

        (await _tools.FaultAsync("search_code", ("repository", "two"), ("query", "other"), ("cursor", cursor))).ShouldContain("'cursor' belongs to a call with other arguments");
        (await _tools.FaultAsync("list_files", ("repository", "two"), ("cursor", cursor))).ShouldContain("'cursor' belongs to a call with other arguments");
        (await _tools.FaultAsync("search_code", ("repository", "two"), ("query", "same"), ("cursor", "zz"))).ShouldContain("'cursor' is 'zz'");
    }

    [Fact]
    public async Task Cursor_ReadsOn_UntilAllIsRead()
    {
        for (var i = 0; i < 5; i++)
        {
            _two.Write($"g{i}.txt", "alike\n");
        }

        await Eventually.SeesAsync(() => _tools.AnswerAsync("search_code", ("repository", "two"), ("query", "alike")), a => a.Number("total") == 5);
        List<string> files = [];
        string? cursor = null;
        do
        {
            var page = await _tools.AnswerAsync("search_code", ("repository", "two"), ("query", "alike"), ("limit", 2), ("cursor", cursor));
            files.AddRange(page.Texts("matches", "file"));
            cursor = page.TryGetProperty("next_cursor", out var next) ? next.GetString() : null;
        }
        while (cursor is not null);

        files.ShouldBe(["g0.txt", "g1.txt", "g2.txt", "g3.txt", "g4.txt"]);
    }
}
