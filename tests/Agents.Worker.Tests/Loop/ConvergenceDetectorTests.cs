using Agents.Worker.Loop;

namespace Agents.Worker.Tests.Loop;

public sealed class ConvergenceDetectorTests
{
    private const string Finding = "The parser should be split because it reads and validates";

    [Theory]
    [InlineData("a b c", "a b c", 1)]
    [InlineData("a b c", "c b a", 1)]
    [InlineData("a a a b", "a b b", 1)]
    [InlineData("A b C", "a B c", 1)]
    [InlineData("a, b. c!", "a b c", 1)]
    [InlineData("a b", "c d", 0)]
    [InlineData("a b c", "a b d", 0.5)]
    [InlineData("a", "a b c d", 0.25)]
    [InlineData("a b c d", "a b c e", 0.6)]
    [InlineData("", "", 0)]
    [InlineData("a", "", 0)]
    [InlineData("…!?", "a", 0)]
    [InlineData("Grüße aus Köln", "grüße aus köln", 1)]
    [InlineData("日本 語", "語 日本", 1)]
    [InlineData("line\nbreak", "line break", 1)]
    [InlineData("find_entities", "find entities", 1)]
    public void Similarity_IsCommonWordsByAllWords(string first, string second, double expected)
    {
        ConvergenceDetector.Similarity(first, second).ShouldBe(expected, 1e-9);
        ConvergenceDetector.Similarity(second, first).ShouldBe(expected, 1e-9);
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(3, true)]
    [InlineData(4, true)]
    public void HasConverged_NeedsAFullWindow(int turns, bool expected)
    {
        var detector = new ConvergenceDetector();

        for (var i = 0; i < turns; i++) detector.Add(Finding);

        detector.HasConverged.ShouldBe(expected);
    }

    [Fact]
    public void HasConverged_IsFalse_WhenTurnsDiffer()
    {
        var detector = Of("I look for duplicates first", "Now the longest methods", "The report is ready to be written");

        detector.HasConverged.ShouldBeFalse();
    }

    [Fact]
    public void HasConverged_IsFalse_WhenOnlyTwoOfThreeAreAlike() =>
        Of(Finding, Finding, "Something else entirely comes now").HasConverged.ShouldBeFalse("one pair of three is alike");

    [Fact]
    public void HasConverged_IsTrue_WhenMostPairsAreAlike() =>
        // 1–2 and 2–3 share 9 of 10 words and 9 of 10; 1–3 share 8 of 10.
        Of("a b c d e f g h i", "a b c d e f g h i j", "b c d e f g h i j").HasConverged.ShouldBeTrue();

    [Fact]
    public void HasConverged_ForgetsTurnsOutsideTheWindow()
    {
        var detector = Of(Finding, Finding, Finding);

        detector.Add("Now comes something new about storage");
        detector.Add("And then something new about queues and leases");

        detector.HasConverged.ShouldBeFalse();
    }

    [Fact]
    public void HasConverged_BecomesTrue_AfterADifferentBeginning() =>
        Of("First some other words", "And again other ones", Finding, Finding, Finding).HasConverged.ShouldBeTrue();

    [Fact]
    public void Add_IgnoresTurnsWithoutWords()
    {
        var detector = Of(Finding, "", Finding, "…", "   ");

        detector.HasConverged.ShouldBeFalse("turns that only call tools say nothing");
        detector.Add(Finding);
        detector.HasConverged.ShouldBeTrue();
    }

    [Fact]
    public void Threshold_DecidesWhatIsAlike()
    {
        string[] turns = ["a b c d", "a b c e", "a b c f"];

        Of(0.6, turns).HasConverged.ShouldBeTrue();
        Of(0.61, turns).HasConverged.ShouldBeFalse();
    }

    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(10)]
    public void Window_DecidesHowManyTurns(int window)
    {
        var detector = new ConvergenceDetector(window);
        for (var i = 1; i < window; i++) detector.Add(Finding);
        detector.HasConverged.ShouldBeFalse();

        detector.Add(Finding);

        detector.HasConverged.ShouldBeTrue();
    }

    [Theory]
    [InlineData(1, 0.8)]
    [InlineData(11, 0.8)]
    [InlineData(3, -0.1)]
    [InlineData(3, 1.1)]
    [InlineData(3, double.NaN)]
    public void Constructor_RefusesValuesOutsideTheRanges(int window, double threshold) =>
        Should.Throw<ArgumentOutOfRangeException>(() => new ConvergenceDetector(window, threshold));

    private static ConvergenceDetector Of(params string[] turns) => Of(0.8, turns);

    private static ConvergenceDetector Of(double threshold, string[] turns)
    {
        var detector = new ConvergenceDetector(3, threshold);
        foreach (var turn in turns) detector.Add(turn);
        return detector;
    }
}
