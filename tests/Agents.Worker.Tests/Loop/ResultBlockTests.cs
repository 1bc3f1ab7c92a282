using Agents.Runs;
using Agents.Worker.Loop;

namespace Agents.Worker.Tests.Loop;

public sealed class ResultBlockTests
{
    private static readonly AgentOutput Actions = new("next_actions", OutputType.List, "what to do");
    private static readonly AgentOutput Table = new("suggestions_table", OutputType.Text, "a table");

    [Fact]
    public void Read_TakesContentFieldAndConfidence()
    {
        var answer = AgentAnswer.Read("Text\n\n```result\n{\"next_actions\": [\"a\", \"b\"], \"confidence\": 0.7}\n```", Actions);

        answer.Content.ShouldBe("Text");
        answer.Field!.Value.GetArrayLength().ShouldBe(2);
        answer.Confidence.ShouldBe(0.7);
        answer.Problem.ShouldBeNull();
    }

    [Fact]
    public void Read_KeepsFencesInsideTheValue()
    {
        var answer = AgentAnswer.Read("Text" + ResultBlock.Write("suggestions_table", "| a |\n```cs\nx\n```\n"), Table);

        answer.Problem.ShouldBeNull();
        answer.Field!.Value.GetString().ShouldBe("| a |\n```cs\nx\n```\n");
    }

    [Theory]
    [InlineData("Text only", "missing")]
    [InlineData("T\n```result\n{\"next_actions\": [\"a\"\n```", "not JSON")]
    [InlineData("T\n```result\n[1]\n```", "has no 'next_actions'")]
    [InlineData("T\n```result\n{\"other\": 1}\n```", "has no 'next_actions'")]
    [InlineData("T\n```result\n{\"next_actions\": \"a\"}\n```", "list of texts")]
    [InlineData("T\n```result\n{\"next_actions\": [1]}\n```", "list of texts")]
    public void Read_NamesTheProblem_WhenTheBlockIsWrong(string answer, string problem)
    {
        var read = AgentAnswer.Read(answer, Actions);

        read.Problem.ShouldNotBeNull().ShouldContain(problem);
        read.Field.ShouldBeNull();
    }

    [Theory]
    [InlineData("1.5")]
    [InlineData("-1")]
    [InlineData("\"high\"")]
    public void Read_LeavesConfidenceOut_WhenItIsNone(string confidence) =>
        AgentAnswer.Read($"```result\n{{\"next_actions\": [], \"confidence\": {confidence}}}\n```", Actions).Confidence.ShouldBeNull();

    [Theory]
    [InlineData("Hello\n```result\n{}\n```", "Hello\n")]
    [InlineData("Hello\n```cs\ncode\n```\nmore", "Hello\n```cs\ncode\n```\nmore")]
    [InlineData("inline ```result stays", "inline ```result stays")]
    [InlineData("```result\n{}", "")]
    [InlineData("ends with ``", "ends with ``")]
    [InlineData("ends with\n```resul", "ends with\n```resul")]
    public void Filter_ShowsEverythingButTheBlock_HoweverTheTextIsCut(string text, string shown)
    {
        for (var size = 1; size <= text.Length; size++)
        {
            var filter = new ResultBlockFilter();
            var seen = string.Concat(text.Chunk(size).Select(piece => filter.Add(new string(piece)))) + filter.End();
            seen.ShouldBe(shown, $"cut into pieces of {size}");
        }
    }

    [Fact]
    public void Filter_BeginsAnew_AfterReset()
    {
        var filter = new ResultBlockFilter();
        filter.Add("a\n```result\n{}").ShouldBe("a\n");

        filter.Reset();

        filter.Add("b").ShouldBe("b");
    }
}
