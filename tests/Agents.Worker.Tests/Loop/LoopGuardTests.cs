using System.Text.Json.Nodes;
using Agents.Worker.Loop;

namespace Agents.Worker.Tests.Loop;

public sealed class LoopGuardTests
{
    private readonly LoopGuard _guard = new();

    [Fact]
    public void IsLooping_AtTheThirdIdenticalCall()
    {
        Add("t", """{"a":1}""", "r");
        Add("t", """{"a":1}""", "r");
        _guard.IsLooping.ShouldBeFalse();

        Add("t", """{"a":1}""", "r");

        _guard.IsLooping.ShouldBeTrue();
    }

    [Fact]
    public void IsLooping_IsFalse_WhenTheResultChanges()
    {
        for (var i = 0; i < 5; i++) Add("t", """{"a":1}""", $"r{i}");

        _guard.IsLooping.ShouldBeFalse();
    }

    [Theory]
    [InlineData("t", """{"a":2}""")]
    [InlineData("u", """{"a":1}""")]
    [InlineData("t", """{"a":"1"}""")]
    [InlineData("t", null)]
    public void IsLooping_IsFalse_WhenToolOrArgumentsDiffer(string tool, string? arguments)
    {
        Add("t", """{"a":1}""", "r");
        Add("t", """{"a":1}""", "r");

        Add(tool, arguments, "r");

        _guard.IsLooping.ShouldBeFalse();
    }

    [Fact]
    public void IsLooping_IsTrue_WhenOtherCallsComeBetween()
    {
        for (var i = 0; i < 3; i++)
        {
            Add("t", """{"a":1}""", "r");
            Add("other", $$"""{"i":{{i}}}""", "r");
        }

        _guard.IsLooping.ShouldBeTrue();
    }

    [Fact]
    public void Arguments_AreTheSame_InAnyOrder()
    {
        Add("t", """{"a":1,"b":{"c":2,"d":[1,2]}}""", "r");
        Add("t", """{"b":{"d":[1,2],"c":2},"a":1}""", "r");
        Add("t", """{ "b": { "c": 2, "d": [1, 2] }, "a": 1 }""", "r");

        _guard.IsLooping.ShouldBeTrue();
    }

    [Fact]
    public void Arguments_AreNotTheSame_WhenAListIsInAnotherOrder()
    {
        Add("t", """{"d":[1,2]}""", "r");
        Add("t", """{"d":[2,1]}""", "r");
        Add("t", """{"d":[1,2]}""", "r");

        _guard.IsLooping.ShouldBeFalse();
    }

    private void Add(string tool, string? arguments, string result) =>
        _guard.Add(tool, arguments is null ? null : JsonNode.Parse(arguments)!.AsObject(), result);
}
