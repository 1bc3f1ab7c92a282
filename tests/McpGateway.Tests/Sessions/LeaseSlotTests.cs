using System.Collections.Concurrent;
using System.Diagnostics;
using McpGateway.Protocol;
using McpGateway.Sessions;

namespace McpGateway.Tests.Sessions;

public sealed class LeaseSlotTests
{
    private readonly UpstreamSession _session = new(1, new FakeLink(), new ServerProfile(McpEra.Legacy, McpVersion.LatestLegacy, "{}", "{}", null), 0);

    [Fact]
    public void Slot_IsTheSessionsOwn_WhenNobodyElseHoldsOne()
    {
        var first = _session.RentSlot("a", 1);
        var version = first.Version;
        first.TryEnd(version, out _).ShouldBeTrue();
        _session.ReturnSlot(first);

        _session.RentSlot("b", 2).ShouldBeSameAs(first);
        first.Version.ShouldNotBe(version);
    }

    [Fact]
    public void End_IsANoOp_WhenTheLeaseIsNotTheSlotsCurrentOne()
    {
        var slot = _session.RentSlot("a", 1);
        var stale = slot.Version;
        slot.TryEnd(stale, out _).ShouldBeTrue();
        slot.TryEnd(stale, out _).ShouldBeFalse();

        slot.TryHold("b", 2).ShouldBeTrue();

        slot.TryEnd(stale, out _).ShouldBeFalse();
        slot.TryHold("c", 3).ShouldBeFalse();
        slot.TryEnd(slot.Version, out _).ShouldBeTrue();
    }

    [Fact]
    public void LongHolders_NamesEachLeaseOnce_WithItsTrace()
    {
        _session.TryShare();
        using var activity = new Activity("call").Start();
        var slot = _session.RentSlot("run_7/tester", 5);
        var other = _session.RentSlot("run_8/tester", 50);

        _session.LongHolders(before: 10).ShouldBe([new LeaseHolder("run_7/tester", activity.TraceId.ToString(), 5)]);
        _session.LongHolders(before: 10).ShouldBeEmpty();
        _session.LongHolders(before: 60).Select(holder => holder.Caller).ShouldBe(["run_8/tester"]);

        slot.TryEnd(slot.Version, out _).ShouldBeTrue();
        _session.ReturnSlot(slot);
        other.TryEnd(other.Version, out _).ShouldBeTrue();
        _session.ReturnSlot(other);
        _session.LongHolders(before: 100).ShouldBeEmpty();
    }

    /// <summary>Callers take and end slots of one session at once, some twice, while the keeper reads: one holder per slot, one winner per end, and never the name of one lease with the time of another.</summary>
    [Fact]
    public async Task Slots_StayWhole_WhateverTheirHoldersDo()
    {
        const int Old = 1;
        const int New = 100;
        var held = new ConcurrentDictionary<LeaseSlot, int>();
        var named = new ConcurrentBag<string>();
        _session.TryShare();
        using var done = new CancellationTokenSource();
        var keeper = Task.Run(() =>
        {
            while (!done.IsCancellationRequested)
            {
                foreach (var holder in _session.LongHolders(before: New)) named.Add(holder.Caller);
            }
        });

        await Task.WhenAll(Enumerable.Range(0, 4).Select(caller => Task.Run(async () =>
        {
            for (var round = 0; round < 3000; round++)
            {
                var isOld = (round + caller) % 2 == 0;
                var slot = _session.RentSlot(isOld ? "old" : "new", isOld ? Old : New);
                held.TryAdd(slot, caller).ShouldBeTrue();
                var version = slot.Version;
                if (round % 7 == 0) await Task.Yield();
                held.TryRemove(slot, out _).ShouldBeTrue();
                if (round % 5 == 0)
                {
                    var ends = await Task.WhenAll(Task.Run(() => slot.TryEnd(version, out _)), Task.Run(() => slot.TryEnd(version, out _)));
                    ends.Count(ended => ended).ShouldBe(1);
                }
                else slot.TryEnd(version, out _).ShouldBeTrue();
                _session.ReturnSlot(slot);
            }
        })));
        await done.CancelAsync();
        await keeper;

        named.ShouldAllBe(caller => caller == "old");
    }
}
