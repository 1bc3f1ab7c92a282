using System.Globalization;

namespace Benchmarks.Measure;

/// <summary>Order statistics, and how numbers are written.</summary>
internal static class Numbers
{
    public static double Median(IEnumerable<double> values) => Quantile([.. values.Order()], 0.5);

    /// <summary>The quantile of sorted values, by the nearest rank.</summary>
    public static double Quantile(ReadOnlySpan<double> sorted, double quantile) =>
        sorted.IsEmpty ? double.NaN : sorted[Math.Clamp((int)Math.Ceiling(quantile * sorted.Length) - 1, 0, sorted.Length - 1)];

    public static string Whole(double value) => Write(value, "N0");

    /// <summary>Milliseconds, to the microsecond.</summary>
    public static string Ms(double value) => Write(value, "0.000");

    public static string Ratio(double value) => double.IsNaN(value) ? "–" : $"{Write(value, "0.00")} ×";

    public static string Signed(double value) => Write(value, "+0.000;-0.000;0.000");

    public static string OneDecimal(double value) => Write(value, "0.0");

    private static string Write(double value, string format) => double.IsNaN(value) ? "–" : value.ToString(format, CultureInfo.InvariantCulture);
}
