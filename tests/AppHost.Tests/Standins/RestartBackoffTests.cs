using Aspire.Hosting.Local;

namespace AppHost.Tests.Standins;

public sealed class RestartBackoffTests
{
    private readonly RestartBackoff _backoff = new(new LocalRunOptions { RestartDelay = 1, MaxRestartDelay = 5, StableAfter = 60 });

    [Fact]
    public void Delay_Doubles_UpToTheLongest() =>
        Enumerable.Range(0, 5).Select(_ => Next(ran: 1, wasHealthy: true)).ShouldBe([1, 2, 4, 5, 5]);

    [Fact]
    public void StableRun_StartsOver()
    {
        Next(ran: 1, wasHealthy: true);
        Next(ran: 1, wasHealthy: true);

        Next(ran: 61, wasHealthy: true).ShouldBe(1);
    }

    [Fact]
    public void LongRun_ThatWasNeverHealthy_DoesNotStartOver()
    {
        Next(ran: 1, wasHealthy: false);

        Next(ran: 61, wasHealthy: false).ShouldBe(2);
        _backoff.FailedStarts.ShouldBe(2);
    }

    [Fact]
    public void HealthyRun_ClearsTheFailedStarts()
    {
        Next(ran: 1, wasHealthy: false);
        Next(ran: 1, wasHealthy: true);

        _backoff.FailedStarts.ShouldBe(0);
    }

    private double Next(double ran, bool wasHealthy) => _backoff.Next(TimeSpan.FromSeconds(ran), wasHealthy).TotalSeconds;
}
