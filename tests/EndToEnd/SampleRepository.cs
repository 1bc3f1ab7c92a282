using Testing;

namespace EndToEnd;

/// <summary>A small C# repository with one duplicated block, one type that no test names, and one that a test does.</summary>
public sealed class SampleRepository : IDisposable
{
    public const string Untested = "PriceList";
    public const string Tested = "Basket";

    private const string DuplicatedBlock =
        """
                var total = 0m;
                foreach (var line in lines)
                {
                    var net = line.Price * line.Count;
                    var tax = net * line.TaxRate;
                    var discount = line.Count > 10 ? net * 0.1m : 0m;
                    var shipping = line.Weight > 30 ? 12.5m : 4.9m;
                    total += net + tax - discount + shipping;
                }

                return Math.Round(total, 2);
        """;

    private readonly TemporaryDirectory _directory = new();

    public SampleRepository()
    {
        _directory.Write("README.md", "# Shop\nA shop that sells by the piece.\n");
        _directory.Write("src/Line.cs", "namespace Shop;\n\npublic sealed record Line(decimal Price, int Count, decimal TaxRate, decimal Weight);\n");
        _directory.Write("src/Basket.cs", Type(Tested, "Sum"));
        _directory.Write("src/PriceList.cs", Type(Untested, "Quote"));
        _directory.Write("tests/Shop.Tests.csproj", "<Project Sdk=\"Microsoft.NET.Sdk\"><ItemGroup><PackageReference Include=\"xunit.v3\" /></ItemGroup></Project>\n");
        _directory.Write("tests/BasketTests.cs", "using Xunit;\n\nnamespace Shop.Tests;\n\npublic class BasketTests\n{\n    [Fact]\n    public void Basket_IsFree_WhenEmpty() => Assert.Equal(0m, new Basket().Sum([]));\n}\n");
    }

    public string Path => _directory.FullPath;

    public void Dispose() => _directory.Dispose();

    private static string Type(string name, string method) =>
        $"namespace Shop;\n\npublic sealed class {name}\n{{\n    public decimal {method}(IEnumerable<Line> lines)\n    {{\n{DuplicatedBlock}\n    }}\n}}\n";
}
