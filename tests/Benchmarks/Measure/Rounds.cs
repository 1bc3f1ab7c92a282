namespace Benchmarks.Measure;

/// <summary>
/// Measures several subjects in turn, round after round. What disturbs the machine for a while then disturbs all of them alike:
/// ratios are taken within each round, and the median round speaks.
/// </summary>
internal static class Rounds
{
    /// <returns>Per subject its results, one a round, in the order of the rounds.</returns>
    public static async Task<IReadOnlyList<TResult>[]> InterleaveAsync<TResult>(int rounds, IReadOnlyList<Func<Task<TResult>>> subjects)
    {
        var results = subjects.Select(_ => new List<TResult>()).ToArray();
        for (var round = 0; round < rounds; round++)
        {
            for (var i = 0; i < subjects.Count; i++)
            {
                // Every subject gets to be first.
                var at = (i + round) % subjects.Count;
                results[at].Add(await subjects[at]());
            }
        }

        return results;
    }

    /// <summary>The median of the rounds' own ratios.</summary>
    public static double Ratio<TResult>(IReadOnlyList<TResult> over, IReadOnlyList<TResult> under, Func<TResult, double> value) =>
        Numbers.Median(over.Zip(under, (a, b) => value(a) / value(b)));

    /// <summary>The median of the rounds' own differences.</summary>
    public static double Difference<TResult>(IReadOnlyList<TResult> left, IReadOnlyList<TResult> right, Func<TResult, double> value) =>
        Numbers.Median(left.Zip(right, (a, b) => value(a) - value(b)));

    public static double Median<TResult>(IReadOnlyList<TResult> results, Func<TResult, double> value) => Numbers.Median(results.Select(value));
}
