using System.Text.RegularExpressions;
using RepositoryTools.Analysis;

namespace RepositoryTools.Tests;

public sealed class UntestedTests : IDisposable
{
    private const string TestProject = """<Project><ItemGroup><PackageReference Include="xunit.v3" /></ItemGroup></Project>""";
    private readonly TemporaryDirectory _folder = new();

    public UntestedTests()
    {
        _folder.Write("src/Shop.csproj", "<Project />");
        _folder.Write("checks/Shop.Checks.csproj", TestProject);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Untested_AreTypesWithBehaviour_ThatNoTestNames()
    {
        _folder.Write("src/Code.cs", """
            namespace Shop;
            public class Named { public int Run() { return 1; } }
            public class Forgotten { public int Run() { return 1; } public void Stop() { } private void Hide() { } }
            public record struct Maths(int A) { public int Twice => A * 2; }
            """);
        _folder.Write("checks/NamedChecks.cs", "class NamedChecks { void Runs() { new Named().Run(); } }");

        var found = await FindAsync();

        found.Untested.Select(u => u.Name).ShouldBe(["Forgotten", "Maths"]);
        found.Untested[0].ShouldBe(new UntestedRow("Forgotten", "class", "src/Code.cs", 3, 2));
        found.Tested.ShouldBe(1);
    }

    [Fact]
    public async Task CommentsAndStrings_DoNotCountAsTests()
    {
        _folder.Write("src/Code.cs", "public class Forgotten { public int Run() { return 1; } }");
        _folder.Write("checks/Checks.cs", "// Forgotten\n/* Forgotten */ class Checks { /// <see cref=\"Forgotten\"/>\n string a = \"Forgotten\"; void T() { } }");

        (await FindAsync()).Untested.ShouldHaveSingleItem().Name.ShouldBe("Forgotten");
    }

    [Fact]
    public async Task TypesWithoutBehaviour_AreNotListed()
    {
        _folder.Write("src/Code.cs", """
            public record Plain(int A, string B);
            public record WithInit { public required int A { get; init; } public string B { get; set; } = ""; }
            public enum Colour { Red }
            public interface IStore { void Save(); int Twice(int a) => a * 2; }
            public static class Limits { public const int Max = 3; public static readonly int Min = 1; public static int Default => 2; }
            public class ShopException(string message) : System.Exception(message);
            public delegate void Done();
            public class Options { private readonly int _a; public Options(int a) { _a = a; } public int A => _a; }
            """);
        _folder.Write("checks/Checks.cs", "class Checks { }");

        (await FindAsync()).Untested.ShouldBeEmpty();
    }

    [Fact]
    public async Task InternalTypes_CountOnly_WhereTestsMayNameThem()
    {
        const string code = "namespace N; internal class Engine { public int Run() { return 1; } private class Inner { void M() { } } } file class Local { void M() { } }";
        _folder.Write("src/Closed.cs", code);
        _folder.Write("open/Open.csproj", """<Project><ItemGroup><InternalsVisibleTo Include="Checks" /></ItemGroup></Project>""");
        _folder.Write("open/Open.cs", code);

        (await FindAsync()).Untested.Select(u => u.File).ShouldBe(["open/Open.cs"]);
    }

    [Fact]
    public async Task ExtensionClasses_CountAsTested_WhenATestCallsOneOfTheirMethods()
    {
        _folder.Write("src/Code.cs", """
            public static class CalledExtensions { public static int Doubled(this int a) { return a * 2; } }
            public static class BlockExtensions { extension(int a) { public int Tripled() { return a * 3; } } }
            public static class UncalledExtensions { public static int Halved(this int a) { return a / 2; } }
            public class RetryAttribute : System.Attribute { public int Next(int a) { return a + 1; } }
            """);
        _folder.Write("checks/Checks.cs", "class Checks { [Retry] void T() { 1.Doubled(); 1.Tripled(); } }");

        (await FindAsync()).Untested.Select(u => u.Name).ShouldBe(["UncalledExtensions"]);
    }

    [Fact]
    public async Task PartialTypes_AreOneType()
    {
        _folder.Write("src/One.cs", "public partial class Engine { public int A() { return 1; } }");
        _folder.Write("src/Two.cs", "public partial class Engine { public int B() { return 1; }\n public int C() { return 1; } }");

        (await FindAsync()).Untested.ShouldHaveSingleItem().ShouldBe(new UntestedRow("Engine", "class", "src/Two.cs", 1, 3));
    }

    [Fact]
    public async Task RepositoryWithoutTests_SaysSo()
    {
        File.Delete(_folder.PathOf("checks", "Shop.Checks.csproj"));
        _folder.Write("src/Code.cs", "public class Engine { public int A() { return 1; } }");

        var found = await FindAsync();

        found.Method.ShouldStartWith("this repository has no test files");
        found.Untested.ShouldHaveSingleItem();
    }

    [Fact]
    public async Task PublicFunctionsAndTypes_CountInOtherLanguages()
    {
        _folder.Write("app/store.py", "class Store:\n    def save(self):\n        return 1\n\nclass Empty:\n    size = 3\n\ndef total(items):\n    return sum(items)\n\ndef _hidden():\n    return 1\n");
        _folder.Write("app/web.ts", "export class Page {\n  open() {\n    return 1;\n  }\n}\nexport function render() {\n  return 1;\n}\nfunction local() {\n  return 2;\n}\n");
        _folder.Write("tests/test_store.py", "from app.store import Store\n# total\ndef test_save():\n    assert Store().save() == 1\n");

        (await FindAsync()).Untested.Select(u => $"{u.Kind} {u.Name}").Order().ShouldBe(["class Page", "function render", "function total"]);
    }

    [Fact]
    public async Task UntestedOfThisSolution_AreReallyNamedByNoTest()
    {
        await using var tools = await Tools.StartAsync($"self={RepositoryRoot.Find()}");
        var answer = await tools.AnswerAsync("find_untested", ("limit", 100));
        var tests = Directory.EnumerateFiles(RepositoryRoot.PathOf("tests"), "*.cs", SearchOption.AllDirectories)
            .Where(f => !f.Contains("/obj/", StringComparison.Ordinal) && !f.Contains("/bin/", StringComparison.Ordinal))
            .SelectMany(f => Regex.Replace(File.ReadAllText(f), "\"\"\"[\\s\\S]*?\"\"\"", "").Split('\n'))
            .Where(l => !l.TrimStart().StartsWith("//", StringComparison.Ordinal))
            .Select(l => Regex.Replace(l, "\"[^\"]*\"|//.*", ""))
            .ToList();

        answer.Number("tested").ShouldBeGreaterThan(5);
        foreach (var row in answer.Rows("untested"))
        {
            var (name, file, line) = (row.Text("name"), row.Text("file"), row.Number("line"));
            File.ReadLines(RepositoryRoot.PathOf(file)).ElementAt(line - 1).ShouldContain(name);
            tests.ShouldNotContain(l => Regex.IsMatch(l, $@"\b{name}\b"), $"{file}:{line}: {name}");
        }
    }

    private async Task<UntestedCode.Result> FindAsync()
    {
        var snapshot = await CodeFolder.ReadAsync(_folder);
        return UntestedCode.Find(snapshot, snapshot.Files);
    }
}
