using McpGateway.Sessions;

namespace McpGateway.Tests.Sessions;

public sealed class HandshakeBudgetTests
{
    private readonly ManualTimeProvider _time = new();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(10)]
    [InlineData(100)]
    public void Budget_IsNeverExceededInAnyMinute_AndIsUsed(int perMinute)
    {
        var budget = new HandshakeBudget(perMinute, _time);
        var begun = new List<DateTimeOffset>();
        var end = _time.GetUtcNow() + TimeSpan.FromMinutes(10);
        while (_time.GetUtcNow() < end)
        {
            while (budget.Wait == TimeSpan.Zero)
            {
                budget.Take();
                begun.Add(_time.GetUtcNow());
            }

            _time.Advance(budget.Wait + TimeSpan.FromMilliseconds(1));
        }

        for (var i = 0; i + perMinute < begun.Count; i++) (begun[i + perMinute] - begun[i]).ShouldBeGreaterThanOrEqualTo(TimeSpan.FromMinutes(1));
        begun.Count.ShouldBeGreaterThanOrEqualTo(9 * Math.Max(1, perMinute - 3));
        budget.Taken.ShouldBe(begun.Count);
    }

    [Fact]
    public void Budget_KeepsNoMoreThanABurst_HoweverLongItWasNotUsed()
    {
        var budget = new HandshakeBudget(10, _time);
        _time.Advance(TimeSpan.FromHours(3));

        for (var i = 0; i < 3; i++)
        {
            budget.Wait.ShouldBe(TimeSpan.Zero);
            budget.Take();
        }

        budget.Wait.ShouldBeGreaterThan(TimeSpan.FromSeconds(8));
    }

    [Fact]
    public void Budget_HasNoEnd_WithoutALimit()
    {
        var budget = new HandshakeBudget(0, _time);
        for (var i = 0; i < 1000; i++) budget.Take();

        budget.Wait.ShouldBe(TimeSpan.Zero);
        budget.Taken.ShouldBe(1000);
    }
}
