using System.IO.Pipelines;
using System.Text;
using McpGateway.Endpoints.Streams;
using Microsoft.AspNetCore.Http;

namespace McpGateway.Tests.Streams;

/// <summary>What a session's streams keep, and what they let go.</summary>
public sealed class SessionStreamsTests
{
    private readonly ManualTimeProvider _time = new();

    [Fact]
    public void Events_BeyondTheBound_AreDropped_OldestFirst_ButNotTheAnswer()
    {
        var streams = new SessionStreams(new StreamBounds(Events: 3, Bytes: 1000), _time);
        var call = streams.Open(StreamKind.Call, "1"u8);
        for (var i = 0; i < 10; i++) call.Append("progress"u8);
        call.Finish("answer"u8);

        streams.Report().Sum(report => report.Events).ShouldBe(3);
        Sent(call).ShouldEndWith("data: answer\n\n");
    }

    [Fact]
    public void Answer_LargerThanTheBound_IsKept_UntilItsClientHasIt()
    {
        var streams = new SessionStreams(new StreamBounds(Events: 3, Bytes: 1000), _time);
        var call = streams.Open(StreamKind.Call, "1"u8);
        call.Append("progress"u8);
        call.Finish(new byte[5000]);
        streams.Open(StreamKind.Listening).Append("other"u8);

        streams.Report().Single(report => report.Kind == StreamKind.Call).ShouldBe(new StreamReport(StreamKind.Call, Connected: false, Complete: true, Events: 1, Bytes: 5000));
    }

    [Fact]
    public void Message_OutsideACall_NeedsSomebodyWhoListens()
    {
        var streams = new SessionStreams(new StreamBounds(3, 1000), _time);
        streams.Open(StreamKind.Call, "1"u8);
        streams.TrySend("hello"u8).ShouldBeFalse();

        var listening = streams.Open(StreamKind.Listening);
        streams.TrySend("hello"u8, once: "greeting").ShouldBeTrue();
        streams.TrySend("hello"u8, once: "greeting").ShouldBeTrue();

        listening.Count.ShouldBe(1);
    }

    [Fact]
    public async Task WhatWaits_GoesOnTheNextStreamThatIsOpened_ButNotWhatWasSent()
    {
        var streams = new SessionStreams(new StreamBounds(100, 1000), _time);
        var first = streams.Open(StreamKind.Listening);
        streams.TrySend("sent"u8);
        (await ReadOnceAsync(first)).ShouldBe(["sent"]);
        streams.TrySend("one"u8, once: "one");
        streams.TrySend("two"u8);

        var second = streams.Open(StreamKind.Listening);

        streams.TrySend("one"u8, once: "one");
        (await ReadOnceAsync(first)).ShouldBe(["sent"]);
        (await ReadOnceAsync(second)).ShouldBe(["one", "two"]);
        streams.Report().Sum(report => report.Bytes).ShouldBe(10);
    }

    /// <summary>An answer over all bounds stays, and every event after it makes room, from several streams at once.</summary>
    [Fact]
    public void Answer_Stays_WhenWhatWaitsIsMovedBesideIt()
    {
        var streams = new SessionStreams(new StreamBounds(3, 1000), _time);
        for (var i = 0; i < 3; i++)
        {
            var call = streams.Open(StreamKind.Call, "1"u8);
            call.Finish("read"u8);
            Sent(call);
            streams.Open(StreamKind.Listening).Append("waits"u8);
        }

        streams.Open(StreamKind.Call, "2"u8).Finish(new byte[5000]);
        streams.Open(StreamKind.Listening);

        streams.Report().ShouldContain(report => report.Kind == StreamKind.Call && report.Bytes == 5000);
    }

    [Fact]
    public void Sweep_ForgetsCompletedStreams_AfterTheirTime()
    {
        var streams = new SessionStreams(new StreamBounds(3, 1000), _time);
        var call = streams.Open(StreamKind.Call, "1"u8);
        call.Finish("answer"u8);
        streams.Open(StreamKind.Call, "2"u8);

        _time.Advance(TimeSpan.FromMinutes(4));
        streams.Sweep(TimeSpan.FromMinutes(5));
        streams.Find(call.Id).ShouldBeSameAs(call);
        _time.Advance(TimeSpan.FromMinutes(2));
        streams.Sweep(TimeSpan.FromMinutes(5));

        streams.Find(call.Id).ShouldBeNull();
        streams.Report().Count.ShouldBe(1);
    }

    [Fact]
    public void ListeningStreams_AreBounded()
    {
        var streams = new SessionStreams(new StreamBounds(3, 1000), _time);
        var first = streams.Open(StreamKind.Listening);
        for (var i = 0; i < 20; i++) streams.Open(StreamKind.Listening);

        streams.Report().Count.ShouldBe(8);
        first.IsComplete.ShouldBeTrue();
    }

    [Fact]
    public async Task Producers_LoseNothing_WhileConnectionsComeAndGo()
    {
        const int messages = 2000;
        var streams = new SessionStreams(new StreamBounds(messages, 1_000_000), _time);
        var stream = streams.Open(StreamKind.Call, "1"u8);
        var producer = Task.Run(() =>
        {
            for (var i = 1; i <= messages; i++) stream.Append(Encoding.ASCII.GetBytes($"m{i}"));
            stream.Complete();
        }, TestContext.Current.CancellationToken);

        var seen = new List<string>();
        for (var progress = StreamProgress.Idle; progress != StreamProgress.Over;)
        {
            var context = new DefaultHttpContext();
            var connection = new StreamConnection(context, stream, new StreamHub());
            stream.Attach(connection, seen.Count);
            var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 0));
            for (var round = 0; round < 3 && progress != StreamProgress.Over; round++) progress = stream.WriteTo(pipe.Writer, connection);
            await pipe.Writer.CompleteAsync();
            seen.AddRange(Data(await ReadAsync(pipe.Reader)));
            stream.Detach(connection);
        }

        await producer;
        seen.ShouldBe(Enumerable.Range(1, messages).Select(i => $"m{i}"));
    }

    /// <summary>What a connection gets that leaves again.</summary>
    private static async Task<string[]> ReadOnceAsync(ClientStream stream, long after = 0)
    {
        var connection = new StreamConnection(new DefaultHttpContext(), stream, new StreamHub());
        stream.Attach(connection, after);
        var pipe = new Pipe();
        stream.WriteTo(pipe.Writer, connection);
        await pipe.Writer.CompleteAsync();
        stream.Detach(connection);
        return [.. Data(await ReadAsync(pipe.Reader))];
    }

    private static string Sent(ClientStream stream)
    {
        var connection = new StreamConnection(new DefaultHttpContext(), stream, new StreamHub());
        stream.Attach(connection, 0);
        var pipe = new Pipe();
        stream.WriteTo(pipe.Writer, connection).ShouldBe(StreamProgress.Over);
        pipe.Writer.Complete();
        return ReadAsync(pipe.Reader).GetAwaiter().GetResult();
    }

    private static IEnumerable<string> Data(string text) =>
        text.Split('\n').Where(line => line.StartsWith("data: ", StringComparison.Ordinal)).Select(line => line["data: ".Length..]);

    private static async Task<string> ReadAsync(PipeReader reader)
    {
        using var stream = new StreamReader(reader.AsStream());
        return await stream.ReadToEndAsync();
    }
}
