using RepositoryTools.Analysis;

namespace RepositoryTools.Tests;

public sealed class EntityTests : IAsyncLifetime
{
    private readonly TemporaryDirectory _folder = new();
    private Tools _tools = null!;

    public async ValueTask InitializeAsync()
    {
        _folder.Write("src/Store.cs", """
            using System;

            namespace Shop.Data;

            /// <summary>Keeps orders.</summary>
            [Serializable]
            public sealed class OrderStore : IStore
            {
                private const int Max = 3;
                public int Count { get; private set; }

                public OrderStore(int count)
                {
                    Count = count;
                }

                public void Save(
                    int id)
                {
                    Local();
                    void Local() { }
                }

                internal enum Mode { Fast }
            }

            public interface IStore { void Save(int id); }
            """);
        _folder.Write("web/app.py", "class App:\n    def run(self):\n        \"\"\"def fake(): pass\"\"\"\n        return 1\n\n# def also_fake():\nasync def main(\n    a,\n):\n    return App()\n\n\nx = 1\n");
        _tools = await Tools.OverAsync(_folder);
    }

    public async ValueTask DisposeAsync()
    {
        await _tools.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Entities_OfCSharp_ComeFromRoslyn()
    {
        var answer = await _tools.AnswerAsync("find_entities", ("path", "src"), ("order_by", "file"), ("limit", 100));

        answer.Text("method").ShouldBe("C#: Roslyn syntax trees");
        answer.Rows("entities").Select(e => $"{e.Text("kind")} {e.Text("name")} {e.Number("line")}-{e.Number("end_line")}").ShouldBe(
        [
            "class OrderStore 7-25", "constant Max 9-9", "property Count 10-10", "constructor OrderStore 12-15", "method Save 17-22",
            "function Local 21-21", "enum Mode 24-24", "enum_member Fast 24-24", "interface IStore 27-27", "method Save 27-27",
        ]);
        var store = answer.Rows("entities")[0];
        store.Text("container").ShouldBe("Shop.Data");
        store.Text("signature").ShouldBe("public sealed class OrderStore : IStore");
        store.Text("accessibility").ShouldBe("public");
        store.Number("lines").ShouldBe(19);
        answer.Rows("entities")[4].Text("signature").ShouldBe("public void Save(int id)");
    }

    [Fact]
    public async Task Entities_AreNarrowed_ByNameKindAndOrder()
    {
        (await _tools.AnswerAsync("find_entities", ("name", "order"))).Texts("entities", "name").ShouldBe(["OrderStore", "OrderStore"]);
        (await _tools.AnswerAsync("find_entities", ("name", "OrderStore.Sav*"))).Texts("entities", "name").ShouldBe(["Save"]);
        (await _tools.AnswerAsync("find_entities", ("name", "OrderStore.Save"))).Number("total").ShouldBe(1);
        (await _tools.AnswerAsync("find_entities", ("kind", "type"), ("order_by", "lines"))).Texts("entities", "name").ShouldBe(["OrderStore", "App", "Mode", "IStore"]);
        (await _tools.FaultAsync("find_entities", ("kind", "gadget"))).ShouldContain("'kind' is \"gadget\": give one of type, class");
    }

    [Fact]
    public async Task Entities_OfPython_ComeFromLines_WithoutCommentsAndStrings()
    {
        var answer = await _tools.AnswerAsync("find_entities", ("path", "web"), ("order_by", "file"));

        answer.Text("method").ShouldStartWith("Python: line patterns");
        answer.Rows("entities").Select(e => $"{e.Text("kind")} {e.Text("name")} {e.Number("line")}-{e.Number("end_line")}").ShouldBe(
            ["class App 1-4", "method run 2-4", "function main 7-10"]);
    }

    [Theory]
    [InlineData("a.js", "class A {\n  run(a) {\n    if (a) {\n    }\n  }\n}\nconst f = (x) => x + 1\nexport const g = async (x) => {\n  return `}`;\n};\n", "class A 1-6|method run 2-5|function f 7-7|function g 8-10")]
    [InlineData("a.ts", "export interface Shape {\n  area(): number;\n}\nexport type Id = string | number;\nexport abstract class Box<T> implements Shape {\n  constructor(private a: T) {\n  }\n  public area(): number {\n    return 1;\n  }\n}\n", "interface Shape 1-3|type Id 4-4|class Box 5-11|constructor constructor 6-7|method area 8-10")]
    [InlineData("a.go", "package a\n\ntype Store struct {\n\titems []int\n}\n\nfunc (s *Store) Save(id int) error {\n\treturn nil\n}\n\nfunc New() *Store { return nil }\n", "struct Store 3-5|method Save 7-9|function New 11-11")]
    [InlineData("a.rs", "pub struct Store<'a> {\n    name: &'a str,\n}\n\nimpl<'a> Store<'a> {\n    pub fn save(&self) -> char {\n        '{'\n    }\n}\n\nfn main() {\n}\n", "struct Store 1-3|method save 6-8|function main 11-12")]
    [InlineData("A.java", "package a;\npublic class A extends B {\n  private int n = 0;\n  public A() {\n  }\n  public List<String> names(int a,\n      int b) throws IOException {\n    return null;\n  }\n  interface Inner {\n    void run();\n  }\n}\n", "class A 2-13|constructor A 4-5|method names 6-9|interface Inner 10-12|method run 11-11")]
    [InlineData("a.kt", "data class Point(val x: Int)\nfun twice(a: Int) = a * 2\nobject Shop {\n  fun open() {\n  }\n}\n", "class Point 1-1|function twice 2-2|object Shop 3-6|method open 4-5")]
    [InlineData("a.cpp", "namespace shop {\nclass Store : public Base {\npublic:\n  int save(int id);\n};\nint Store::save(int id) {\n  return 1;\n}\n}\n", "namespace shop 1-9|class Store 2-5|method save 6-8")]
    [InlineData("a.rb", "module Shop\n  class Store < Base\n    def save(id)\n      if id\n      end\n    end\n  end\nend\n", "module Shop 1-8|class Store 2-7|method save 3-6")]
    [InlineData("a.php", "<?php\nfinal class Store {\n  public function save($id) {\n  }\n}\nfunction total() {\n}\n", "class Store 2-5|method save 3-4|function total 6-7")]
    [InlineData("a.swift", "public protocol Store {\n}\nstruct Shop: Store {\n  func open() {\n  }\n}\n", "protocol Store 1-2|struct Shop 3-6|method open 4-5")]
    [InlineData("a.sh", "#!/bin/sh\nsave() {\n  echo \"$#\" # }\n}\nfunction load {\n  :\n}\n", "function save 2-4|function load 5-7")]
    [InlineData("a.sql", "CREATE TABLE IF NOT EXISTS shop.orders (\n  id int -- key;\n);\ncreate or replace view totals as\nselect 1;\n", "table orders 1-3|view totals 4-5")]
    [InlineData("a.md", "# Title\ntext\n## One\n```sh\n# no heading\n```\n## Two\n# Last\n", "heading Title 1-7|heading One 3-6|heading Two 7-7|heading Last 8-8")]
    public void Entities_OfOtherLanguages_AreFoundWithTheirExtent(string path, string text, string expected) =>
        string.Join('|', FileReading.Of(path, text, Language.Of(path)).Entities.Select(e => $"{e.Kind} {e.Name} {e.Line}-{e.EndLine}")).ShouldBe(expected);

    [Fact]
    public void Entities_OfBrokenCode_AreWhatCanBeRead()
    {
        FileReading.Of("a.cs", "class A { void M( { \n } class B {", Language.CSharp).Entities.Select(e => e.Name).ShouldContain("A");
        FileReading.Of("a.py", "def f(:\n  x = '''never closed\nclass A:\n", Language.Of("a.py")).Entities.Select(e => e.Name).ShouldBe(["f"]);
        FileReading.Of("a.js", "function f() {{{{\n", Language.Of("a.js")).Entities.ShouldHaveSingleItem().EndLine.ShouldBe(1);
    }
}
