using FaultyUpstream.Tests.Wire;

namespace FaultyUpstream.Tests;

/// <summary>Servers that a test did not start, found and counted through the folder they share.</summary>
public sealed class UpstreamRecordTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    [Fact]
    public async Task Record_LeadsToTheControl_AndOutlivesACrash()
    {
        var record = new UpstreamRecord(_directory.FullPath);
        await using var doomed = await StartAsync();
        await using var other = await StartAsync();
        var controls = await Eventually.SeesAsync(() => record.Controls, controls => controls.Count == 2);
        using var control = new ControlClient(controls.Single(found => found.ProcessId == doomed.Id).Control);

        (await control.SetAsync(new Fault { Kind = FaultKind.Crash, Tool = "execute_once" })).ShouldBe(1);
        (await control.ReadAsync()).Faults.ShouldHaveSingleItem().Fault.Tool.ShouldBe("execute_once");
        foreach (var process in new[] { doomed, other })
        {
            await process.Input.WriteLineAsync(Messages.Call(7, "execute_once", """{"call_id":"a"}"""));
            await process.Input.FlushAsync();
        }

        (await doomed.WaitForExitAsync()).ShouldBe(70);
        await Eventually.SeesAsync(() => record.Executions.GetValueOrDefault("a"), executions => executions == 2);
        await other.Input.WriteLineAsync(Messages.Cancel(7));
        await other.Input.FlushAsync();
        await Eventually.SeesAsync(() => record.Cancellations, cancellations => cancellations.Count == 1);
        other.Input.Close();
        (await other.WaitForExitAsync()).ShouldBe(0);
        record.Controls.ShouldBeEmpty();
        record.Executions["a"].ShouldBe(2);
        record.Arrivals["a"].ShouldBe(2);
        record.Faults["a"].ShouldBe([FaultKind.Crash]);
        record.Cancellations.ShouldBe(["7"]);
    }

    [Fact]
    public async Task ControlClient_DoesWhatTheControlDoes()
    {
        await using var connection = (HttpConnection)await Connection.OpenAsync(UpstreamTransport.StreamableHttp);
        using var control = new ControlClient(connection.Host.ControlAddress);
        await connection.AskAsync(Messages.Call(1, "execute_once", """{"call_id":"a"}"""));
        await connection.TellAsync(Messages.Cancel(5));
        var slow = connection.AskAsync(Messages.Call(2, "slow"));
        await Eventually.SeesAsync(() => control.ReadAsync(), report => report.Counters.CallsRunning == 1);
        await control.ReleaseAsync();
        (await slow).ShouldContain("done");

        await control.SetAsync(new Fault { Kind = FaultKind.SessionNotFound });
        (await connection.AskAsync(Messages.Request(1, "ping"))).ShouldStartWith("404");
        await control.BehaveAsync();
        (await connection.AskAsync(Messages.Request(1, "ping"))).ShouldStartWith("200");
        await control.ChangeAsync(new UpstreamSettings { AnswerForm = AnswerForm.Stream });
        (await connection.AskAsync(Messages.Request(1, "ping"))).ShouldStartWith("200 text/event-stream");
        (await control.ChangeListAsync()).ShouldBe(0);
        var report = await control.ReadAsync();
        report.Counters.Executions["a"].ShouldBe(1);
        report.Counters.FaultsFired.ShouldBe(new Dictionary<FaultKind, int> { [FaultKind.SessionNotFound] = 1 });
        report.Counters.Cancellations.ShouldHaveSingleItem().RequestId!.ToJsonString().ShouldBe("5");
        report.Sessions.ShouldHaveSingleItem().Id.ShouldBe(connection.Session);
        (await control.DropAsync()).ShouldBe(1);
        await control.RestartAsync();
        (await Should.ThrowAsync<ControlException>(() => control.SetAsync(new Fault { Kind = FaultKind.Slow, Times = 0 }))).Message.ShouldContain("times is 0");
    }

    public void Dispose() => _directory.Dispose();

    private async Task<ChildProcess> StartAsync()
    {
        var process = ChildProcess.Start("dotnet", [RepositoryRoot.AssemblyOf("tests/FaultyUpstream"), "--stdio", "--record", _directory.FullPath]);
        foreach (var line in new[] { Messages.Initialize(), Messages.Initialized }) await process.Input.WriteLineAsync(line);
        await process.Input.FlushAsync();
        await process.WaitForLineAsync(line => line.Contains("serverInfo", StringComparison.Ordinal));
        return process;
    }
}
