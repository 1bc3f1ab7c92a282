namespace Benchmarks.Measure;

/// <summary>A table in Markdown, aligned so that it reads in a terminal too.</summary>
internal sealed class Table(params string[] columns)
{
    private readonly List<string[]> _rows = [];

    public void Add(params string[] cells) => _rows.Add(cells);

    public void Print()
    {
        var widths = columns.Select((column, at) => Math.Max(column.Length, _rows.Select(row => row[at].Length).DefaultIfEmpty().Max())).ToArray();
        Console.WriteLine();
        PrintRow(columns, widths);
        Console.WriteLine($"|{string.Join('|', widths.Select((width, at) => new string('-', width + 1) + (at == 0 ? '-' : ':')))}|");
        foreach (var row in _rows) PrintRow(row, widths);
    }

    private static void PrintRow(string[] cells, int[] widths) =>
        Console.WriteLine($"| {string.Join(" | ", cells.Select((cell, at) => at == 0 ? cell.PadRight(widths[at]) : cell.PadLeft(widths[at])))} |");
}
