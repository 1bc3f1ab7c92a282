using System.Globalization;

namespace Chaos;

/// <summary>
/// How much chaos, and which. The seed decides what callers and upstreams do; how their acts interleave is the machine's, so a seed finds a
/// failure again with good odds, not for certain.
/// </summary>
/// <param name="Seed">Variable <c>CHAOS_SEED</c>; another one each time by default, named in every failure.</param>
/// <param name="Calls">Variable <c>CHAOS_CALLS</c>: 500 to 1 000 000; 3000 by default.</param>
internal sealed record ChaosSettings(int Seed, int Calls)
{
    /// <summary>Callers at once.</summary>
    public const int Callers = 50;

    public static ChaosSettings Read() => new(
        Number("CHAOS_SEED", 0, int.MaxValue) ?? Random.Shared.Next(),
        Number("CHAOS_CALLS", 500, 1_000_000) ?? 3_000);

    public override string ToString() => $"CHAOS_SEED={Seed} CHAOS_CALLS={Calls}";

    private static int? Number(string variable, int min, int max)
    {
        var text = Environment.GetEnvironmentVariable(variable);
        if (string.IsNullOrEmpty(text)) return null;
        return int.TryParse(text, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max
            ? number
            : throw new InvalidOperationException($"{variable} is '{text}': give a whole number from {min} to {max}.");
    }
}
